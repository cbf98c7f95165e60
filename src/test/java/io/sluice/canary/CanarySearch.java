package io.sluice.canary;

import io.sluice.model.Secret;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URLEncoder;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;

/**
 * Makes unique secrets for tests, and searches sinks for them in any form. It knows nothing of the
 * product's redaction: each form is written out here, so that a form which the product forgot is
 * found. A failure names the sink, the canary's label and the form.
 *
 * <p>Safe for use by several threads; canaries that are made during a search may be missed by it.
 */
public final class CanarySearch {
  /** How much of a file is looked at in one go, in bytes. */
  static final int BLOCK = 1 << 20;

  /** The least length of a canary, so that none is found by accident. In characters. */
  static final int MIN_LENGTH = 12;

  private static final class Form {
    final String label;
    final String name;
    final byte[] bytes;

    Form(String label, String name, String text, Charset charset) {
      this.label = label;
      this.name = name;
      this.bytes = text.getBytes(charset);
    }
  }

  private final List<Form> forms = new CopyOnWriteArrayList<>();

  /** A secret of letters, digits and dashes, which every server accepts as a password. */
  public Secret secret(String label) {
    return register(label, "Cnry-" + UUID.randomUUID());
  }

  /** A secret in which every encoding changes something. */
  public Secret awkwardSecret(String label) {
    return register(label, "Cnry \"&<'\\/+%é?=#;" + UUID.randomUUID() + "\u20AC~");
  }

  /**
   * A secret that a test made itself: a key, a token. Of several lines, each is sought.
   *
   * @throws IllegalArgumentException when no line is long enough to be sought
   */
  public Secret register(String label, String value) {
    List<String> lines =
        value
            .lines()
            .filter(line -> line.length() >= MIN_LENGTH && !line.startsWith("-----"))
            .toList();
    if (lines.isEmpty()) {
      throw new IllegalArgumentException("A canary needs " + MIN_LENGTH + " characters.");
    }
    lines.forEach(line -> forms.addAll(formsOf(label, line)));
    return Secret.of(value);
  }

  private static List<Form> formsOf(String label, String value) {
    byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
    Map<String, String> texts = new HashMap<>();
    texts.put("itself", value);
    String form = URLEncoder.encode(value, StandardCharsets.UTF_8);
    texts.put("form-encoded", form);
    texts.put("form-encoded in lower case", lowerCaseEscapes(form));
    texts.put("URL-encoded", form.replace("+", "%20"));
    texts.put("URL-encoded as RFC 3986 does", form.replace("+", "%20").replace("%7E", "~"));
    texts.put("URL-encoded but for / and +", form.replace("+", "%20").replace("%2F", "/"));
    texts.put("URL-encoded twice", URLEncoder.encode(form, StandardCharsets.UTF_8));
    texts.put("JSON", json(value, false));
    texts.put("JSON with escaped slashes", json(value, false).replace("/", "\\/"));
    texts.put("JSON in ASCII", json(value, true));
    texts.put("JSON in JSON", json(json(value, false), false));
    texts.put("XML", xml(value));
    texts.put("hexadecimal", HexFormat.of().formatHex(utf8));
    texts.put("hexadecimal in upper case", HexFormat.of().withUpperCase().formatHex(utf8));
    for (int before = 0; before < 3; before++) {
      String standard = base64Within(utf8, before);
      texts.put("base64 after " + before, standard);
      texts.put("URL-safe base64 after " + before, standard.replace('+', '-').replace('/', '_'));
      texts.put(
          "URL-encoded base64 after " + before,
          URLEncoder.encode(standard, StandardCharsets.UTF_8));
    }
    Map<String, Form> distinct = new HashMap<>();
    texts.forEach(
        (name, text) ->
            distinct.putIfAbsent(text, new Form(label, name, text, StandardCharsets.UTF_8)));
    List<Form> all = new ArrayList<>(distinct.values());
    all.add(new Form(label, "UTF-16 (big end first)", value, StandardCharsets.UTF_16BE));
    all.add(new Form(label, "UTF-16 (little end first)", value, StandardCharsets.UTF_16LE));
    all.add(new Form(label, "Latin-1", value, StandardCharsets.ISO_8859_1));
    return all;
  }

  private static String lowerCaseEscapes(String encoded) {
    StringBuilder text = new StringBuilder(encoded);
    for (int at = text.indexOf("%"); at >= 0; at = text.indexOf("%", at + 1)) {
      text.replace(at, at + 3, text.substring(at, at + 3).toLowerCase(Locale.ROOT));
    }
    return text.toString();
  }

  private static String json(String value, boolean ascii) {
    StringBuilder text = new StringBuilder();
    for (int at = 0; at < value.length(); at++) {
      char c = value.charAt(at);
      if (c == '"' || c == '\\') {
        text.append('\\').append(c);
      } else if (c < 0x20 || (ascii && c > 0x7E)) {
        text.append(String.format("\\u%04X", (int) c));
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }

  private static String xml(String value) {
    return value
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("\"", "&quot;")
        .replace("'", "&apos;");
  }

  /** What stays the same of the base64, whatever comes before and after. */
  private static String base64Within(byte[] utf8, int before) {
    byte[] text = new byte[before + utf8.length];
    System.arraycopy(utf8, 0, text, before, utf8.length);
    String encoded = Base64.getEncoder().withoutPadding().encodeToString(text);
    return encoded.substring(before == 0 ? 0 : 4, encoded.length() - 2);
  }

  /**
   * @throws AssertionError when the text holds a canary
   */
  public void assertNoneIn(String sink, String text) {
    assertNoneIn(sink, text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * @throws AssertionError when the bytes hold a canary
   */
  public void assertNoneIn(String sink, byte[] bytes) {
    Set<String> found = new LinkedHashSet<>();
    new Matcher(forms).search(sink, bytes, bytes.length, found);
    fail(found);
  }

  /**
   * Searches a file, or all files below a directory, and their names. One that disappears meanwhile
   * is passed over.
   *
   * @throws AssertionError when a canary is found, or when there is nothing at all to search
   */
  public void assertNoneIn(Path fileOrDirectory) {
    Set<String> found = new LinkedHashSet<>();
    Matcher matcher = new Matcher(forms);
    int searched = 0;
    for (Path file : filesIn(fileOrDirectory)) {
      byte[] name = file.toString().getBytes(StandardCharsets.UTF_8);
      matcher.search("the name of a file in " + fileOrDirectory, name, name.length, found);
      searched += searchFile(matcher, file, found) ? 1 : 0;
    }
    if (searched == 0) {
      throw new AssertionError("There is nothing to search in " + fileOrDirectory + ".");
    }
    fail(found);
  }

  private static List<Path> filesIn(Path fileOrDirectory) {
    try (Stream<Path> all = Files.walk(fileOrDirectory)) {
      return all.filter(Files::isRegularFile).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean searchFile(Matcher matcher, Path file, Set<String> found) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] block = new byte[BLOCK + matcher.longest];
      int kept = 0;
      for (int read = in.readNBytes(block, 0, BLOCK);
          read > 0;
          read = in.readNBytes(block, kept, BLOCK)) {
        int length = kept + read;
        matcher.search(file.toString(), block, length, found);
        // What stands across two blocks is found in the second.
        kept = Math.min(length, matcher.longest);
        System.arraycopy(block, length - kept, block, 0, kept);
      }
      return true;
    } catch (NoSuchFileException e) {
      return false;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void fail(Set<String> found) {
    if (!found.isEmpty()) {
      throw new AssertionError("A secret leaked:\n  " + String.join("\n  ", found));
    }
  }

  /** All forms, by their first four bytes; database files are large. */
  private static final class Matcher {
    private final Map<Integer, List<Form>> byStart = new HashMap<>();
    private final boolean[] starts = new boolean[1 << 16];
    private final int longest;

    Matcher(List<Form> forms) {
      int max = 0;
      for (Form form : forms) {
        byte[] bytes = form.bytes;
        byStart.computeIfAbsent(start(bytes, 0), key -> new ArrayList<>()).add(form);
        starts[start(bytes, 0) >>> 16] = true;
        max = Math.max(max, bytes.length);
      }
      this.longest = max;
    }

    void search(String sink, byte[] bytes, int length, Set<String> found) {
      for (int at = 0; at + 4 <= length; at++) {
        int start = start(bytes, at);
        if (starts[start >>> 16]) {
          for (Form form : byStart.getOrDefault(start, List.of())) {
            int end = at + form.bytes.length;
            if (end <= length && Arrays.equals(bytes, at, end, form.bytes, 0, form.bytes.length)) {
              found.add(sink + " holds \"" + form.label + "\" (" + form.name + ")");
            }
          }
        }
      }
    }

    private static int start(byte[] bytes, int at) {
      return (bytes[at] & 0xFF) << 24
          | (bytes[at + 1] & 0xFF) << 16
          | (bytes[at + 2] & 0xFF) << 8
          | (bytes[at + 3] & 0xFF);
    }
  }
}
