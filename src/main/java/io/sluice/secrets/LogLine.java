package io.sluice.secrets;

import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.encoder.EncoderBase;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.regex.Pattern;
import org.slf4j.event.KeyValuePair;

/**
 * Writes a log event as one line: {@code time=… level=… logger=… thread=… message="…"}, then the
 * event's key-value pairs, the MDC and the stack trace as {@code exception="…"}.
 *
 * <p>Every key and value, whoever wrote it, passes {@link Redaction} before anything else is done
 * to it. Values with anything but plain characters are quoted; in quotes, control and format
 * characters (line ends, terminal escapes, bidi marks), quotes and backslashes are written as JSON
 * would. So nobody can end a line, forge a field or show a secret. An event is never dropped
 * because one of its values fails to turn into text.
 */
public final class LogLine extends EncoderBase<ILoggingEvent> {
  /** The greatest length of a value; the rest is cut off. In characters. */
  static final int MAX_VALUE = 32_768;

  private static final Pattern PLAIN = Pattern.compile("[\\p{Alnum}._:/@+,*()-]+");
  private static final Pattern KEY_OUTSIDERS = Pattern.compile("[^\\p{Alnum}._-]");
  private static final DateTimeFormatter MILLISECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  @Override
  public byte[] encode(ILoggingEvent event) {
    StringBuilder line = new StringBuilder(256);
    line.append("time=").append(MILLISECONDS.format(instant(event)));
    field(line, "level", event.getLevel());
    field(line, "logger", event.getLoggerName());
    field(line, "thread", event.getThreadName());
    field(line, "message", event.getFormattedMessage());
    if (event.getKeyValuePairs() != null) {
      for (KeyValuePair pair : event.getKeyValuePairs()) {
        field(line, pair.key, pair.value);
      }
    }
    event.getMDCPropertyMap().forEach((key, value) -> field(line, key, value));
    if (event.getThrowableProxy() != null) {
      field(line, "exception", ThrowableProxyUtil.asString(event.getThrowableProxy()));
    }
    return line.append('\n').toString().getBytes(StandardCharsets.UTF_8);
  }

  private static Instant instant(ILoggingEvent event) {
    return event.getInstant() == null
        ? Instant.ofEpochMilli(event.getTimeStamp())
        : event.getInstant();
  }

  private static void field(StringBuilder line, String key, Object value) {
    String text = Redaction.scrub(text(value));
    line.append(' ')
        .append(KEY_OUTSIDERS.matcher(Redaction.scrub(String.valueOf(key))).replaceAll("_"))
        .append('=');
    if (PLAIN.matcher(text).matches()) {
      line.append(text, 0, Math.min(text.length(), MAX_VALUE));
    } else {
      quote(line, text);
    }
  }

  private static String text(Object value) {
    try {
      return String.valueOf(value);
    } catch (RuntimeException e) {
      return "[" + e.getClass().getSimpleName() + " in toString]";
    }
  }

  private static void quote(StringBuilder line, String text) {
    int end = Math.min(text.length(), MAX_VALUE);
    line.append('"');
    for (int at = 0; at < end; at += Character.charCount(text.codePointAt(at))) {
      int codePoint = text.codePointAt(at);
      switch (codePoint) {
        case '"', '\\' -> line.append('\\').append((char) codePoint);
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (shown(codePoint)) {
            line.appendCodePoint(codePoint);
          } else {
            for (char unit : Character.toChars(codePoint)) {
              line.append(String.format("\\u%04x", (int) unit));
            }
          }
        }
      }
    }
    line.append(end < text.length() ? "…\"" : "\"");
  }

  /** Whether a terminal and a viewer show the character where it stands, and nothing else. */
  private static boolean shown(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE,
          Character.UNASSIGNED ->
          false;
      default -> true;
    };
  }

  @Override
  public byte[] headerBytes() {
    return new byte[0];
  }

  @Override
  public byte[] footerBytes() {
    return new byte[0];
  }
}
