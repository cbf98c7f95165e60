package io.sluice.secrets;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/**
 * A text as it reads once an encoding is undone, with the way back to where each byte came from. A
 * secret is sought in the views instead of in all the ways to write it: which characters an encoder
 * escapes, and in which case, is the encoder's choice.
 */
final class TextView {
  /** How many encodings may lie on top of each other: JSON in a query parameter is two. */
  private static final int MAX_LAYERS = 2;

  private static final Map<String, Integer> XML_ENTITIES =
      Map.of("amp", (int) '&', "lt", (int) '<', "gt", (int) '>', "quot", (int) '"', "apos", 39);

  /** The longest entity that is read, without {@code &} and {@code ;}: {@code #x10FFFF}. */
  private static final int MAX_ENTITY = 9;

  private enum Encoding {
    /** RFC 3986, section 2.1. */
    PERCENT,
    /** The same with {@code +} for a space, as HTML forms write it. */
    FORM,
    /** RFC 8259, section 7. */
    JSON,
    /** XML 1.0, sections 4.1 and 4.6. */
    XML
  }

  private final byte[] bytes;

  /** Where byte i begins in the source; null: at i. */
  private final int[] starts;

  /** Where byte i ends in the source; null: at i + 1. */
  private final int[] ends;

  private TextView(byte[] bytes, int[] starts, int[] ends) {
    this.bytes = bytes;
    this.starts = starts;
    this.ends = ends;
  }

  /** The text itself, and every view that differs from what it was made of. */
  static List<TextView> allOf(byte[] source) {
    List<TextView> views = new ArrayList<>();
    TextView plain = new TextView(source, null, null);
    views.add(plain);
    plain.addDecoded(MAX_LAYERS, views);
    return views;
  }

  private void addDecoded(int layers, List<TextView> views) {
    if (layers == 0) {
      return;
    }
    for (Encoding encoding : Encoding.values()) {
      TextView view = new Decoder(this, encoding).decode();
      if (view != null) {
        views.add(view);
        view.addDecoded(layers - 1, views);
      }
    }
  }

  byte[] bytes() {
    return bytes;
  }

  int sourceStart(int at) {
    return starts == null ? at : starts[at];
  }

  /** Where the part that ends before {@code end} ends in the source. */
  int sourceEnd(int end) {
    return ends == null ? end : ends[end - 1];
  }

  /**
   * Takes in the rest of every backslash escape that is hidden in part: what is left of one would
   * change the meaning of what follows.
   */
  static void widenOverEscapes(byte[] source, BitSet hidden) {
    for (int at = 0; at < source.length; at++) {
      if (source[at] == '\\') {
        int end = at + escapeLength(source, at);
        int first = hidden.nextSetBit(at);
        if (first >= 0 && first < end) {
          hidden.set(at, end);
        }
        at = end - 1;
      }
    }
  }

  /** Of a JSON escape; 1 for a backslash that begins none. */
  private static int escapeLength(byte[] text, int at) {
    if (at + 1 == text.length) {
      return 1;
    }
    if (text[at + 1] == 'u') {
      return hex(text, at + 2, 4) >= 0 ? 6 : 1;
    }
    return "\"\\/bfnrt".indexOf(text[at + 1]) >= 0 ? 2 : 1;
  }

  /** The number that so many hexadecimal digits write, or -1. */
  private static int hex(byte[] text, int at, int digits) {
    if (at + digits > text.length) {
      return -1;
    }
    int value = 0;
    for (int i = at; i < at + digits; i++) {
      int digit = text[i] < 0 ? -1 : Character.digit(text[i], 16);
      if (digit < 0) {
        return -1;
      }
      value = value * 16 + digit;
    }
    return value;
  }

  /** One pass over a view. */
  private static final class Decoder {
    private final TextView from;
    private final byte[] text;
    private final Encoding encoding;
    private final byte[] bytes;
    private final int[] starts;
    private final int[] ends;
    private int length;
    private boolean changed;

    Decoder(TextView from, Encoding encoding) {
      this.from = from;
      this.text = from.bytes;
      this.encoding = encoding;
      boolean possible = possible();
      // No encoding writes a character in fewer bytes than UTF-8 does.
      this.bytes = possible ? new byte[text.length] : null;
      this.starts = possible ? new int[text.length] : null;
      this.ends = possible ? new int[text.length] : null;
    }

    private boolean possible() {
      boolean marker = false;
      boolean plus = encoding != Encoding.FORM;
      for (byte b : text) {
        marker |= b == marker();
        plus |= b == '+';
      }
      // Without a plus the form's view is that of the percent encoding.
      return encoding == Encoding.FORM ? plus : marker;
    }

    private byte marker() {
      return switch (encoding) {
        case PERCENT, FORM -> '%';
        case JSON -> '\\';
        case XML -> '&';
      };
    }

    /** The decoded view, or null when nothing was encoded. */
    TextView decode() {
      if (bytes == null) {
        return null;
      }
      for (int at = 0; at < text.length; ) {
        int used = encoded(at);
        if (used == 0) {
          emit(text[at], at, at + 1);
          at++;
        } else {
          changed = true;
          at += used;
        }
      }
      return changed
          ? new TextView(
              Arrays.copyOf(bytes, length),
              Arrays.copyOf(starts, length),
              Arrays.copyOf(ends, length))
          : null;
    }

    /** Decodes what begins there; how many bytes it took, 0 when nothing is encoded there. */
    private int encoded(int at) {
      if (encoding == Encoding.FORM && text[at] == '+') {
        emit((byte) ' ', at, at + 1);
        return 1;
      }
      if (text[at] != marker()) {
        return 0;
      }
      return switch (encoding) {
        case PERCENT, FORM -> percent(at);
        case JSON -> json(at);
        case XML -> xml(at);
      };
    }

    private int percent(int at) {
      int value = hex(text, at + 1, 2);
      if (value < 0) {
        return 0;
      }
      emit((byte) value, at, at + 3);
      return 3;
    }

    private int json(int at) {
      if (at + 1 >= text.length) {
        return 0;
      }
      int plain =
          switch (text[at + 1]) {
            case '"', '\\', '/' -> text[at + 1];
            case 'b' -> '\b';
            case 'f' -> '\f';
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            default -> -1;
          };
      if (plain >= 0) {
        emit((byte) plain, at, at + 2);
        return 2;
      }
      int unit = text[at + 1] == 'u' ? hex(text, at + 2, 4) : -1;
      if (unit < 0) {
        return 0;
      }
      if (Character.isHighSurrogate((char) unit) && escaped(at + 6)) {
        int low = hex(text, at + 8, 4);
        if (low >= 0 && Character.isLowSurrogate((char) low)) {
          emitCodePoint(Character.toCodePoint((char) unit, (char) low), at, at + 12);
          return 12;
        }
      }
      emitCodePoint(unit, at, at + 6);
      return 6;
    }

    private boolean escaped(int at) {
      return at + 1 < text.length && text[at] == '\\' && text[at + 1] == 'u';
    }

    private int xml(int at) {
      int semicolon = at + 1;
      int limit = Math.min(text.length, at + 2 + MAX_ENTITY);
      while (semicolon < limit && text[semicolon] != ';') {
        semicolon++;
      }
      if (semicolon >= limit) {
        return 0;
      }
      String name = new String(text, at + 1, semicolon - at - 1, StandardCharsets.ISO_8859_1);
      int codePoint = codePoint(name);
      if (!Character.isValidCodePoint(codePoint)) {
        return 0;
      }
      emitCodePoint(codePoint, at, semicolon + 1);
      return semicolon + 1 - at;
    }

    private static int codePoint(String name) {
      try {
        if (name.startsWith("#x") || name.startsWith("#X")) {
          return Integer.parseInt(name, 2, name.length(), 16);
        }
        if (name.startsWith("#")) {
          return Integer.parseInt(name, 1, name.length(), 10);
        }
      } catch (NumberFormatException e) {
        return -1;
      }
      return XML_ENTITIES.getOrDefault(name, -1);
    }

    /** A lone surrogate becomes the question mark that the source's own conversion makes of it. */
    private void emitCodePoint(int codePoint, int start, int end) {
      for (byte b : Character.toString(codePoint).getBytes(StandardCharsets.UTF_8)) {
        emit(b, start, end);
      }
    }

    private void emit(byte b, int start, int end) {
      bytes[length] = b;
      starts[length] = from.sourceStart(start);
      ends[length] = from.sourceEnd(end);
      length++;
    }
  }
}
