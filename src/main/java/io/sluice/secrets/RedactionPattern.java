package io.sluice.secrets;

import io.sluice.model.Secret;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A run of bytes by which a secret is recognized. Equal when bytes and kind are. */
final class RedactionPattern {
  /** By so many first bytes a pattern is told from most of a text. */
  static final int PREFIX_BYTES = 4;

  /**
   * A longer value is cut into pieces of this many bytes, so that a text which was cut short still
   * loses most of it.
   */
  private static final int PIECE_BYTES = 64;

  /** The longest pattern: the base64 of a piece that begins two bytes after a multiple of three. */
  static final int MAX_BYTES = (PIECE_BYTES + 2) * 8 / 6;

  /** The hash of no bytes (FNV-1a, 64 bit). */
  static final long HASH_SEED = 0xCBF29CE484222325L;

  private enum Kind {
    /** Matches anywhere. */
    VALUE,
    /** Matches only where no letter or digit adjoins. */
    WORD,
    /** Matches anywhere, and takes in the rest of the base64 text around it. */
    BASE64
  }

  /** A part of a view, the end not included. */
  record Span(int start, int end) {}

  private final byte[] bytes;
  private final Kind kind;
  private final long hash;

  private RedactionPattern(byte[] bytes, Kind kind) {
    this.bytes = bytes;
    this.kind = kind;
    long hashed = HASH_SEED;
    for (byte b : bytes) {
      hashed = extend(hashed, b);
    }
    this.hash = hashed;
  }

  /** Every pattern of a secret, without repetition. */
  static List<RedactionPattern> of(Secret secret) {
    Set<RedactionPattern> patterns = new LinkedHashSet<>();
    for (byte[] piece : pieces(secret.reveal())) {
      if (piece.length < PREFIX_BYTES) {
        patterns.add(new RedactionPattern(piece, Kind.WORD));
      } else {
        patterns.add(new RedactionPattern(piece, Kind.VALUE));
        addBase64(piece, patterns);
      }
    }
    return List.copyOf(patterns);
  }

  private static List<byte[]> pieces(String value) {
    List<byte[]> pieces = new ArrayList<>();
    if (value.contains("-----BEGIN ")) {
      // PEM is printed with any line ends and indents; its armor is no secret.
      value
          .lines()
          .map(line -> line.strip().getBytes(StandardCharsets.UTF_8))
          .filter(line -> line.length >= PREFIX_BYTES && line[0] != '-')
          .forEach(line -> cut(line, pieces));
    }
    if (pieces.isEmpty()) {
      cut(value.getBytes(StandardCharsets.UTF_8), pieces);
    }
    return pieces;
  }

  private static void cut(byte[] value, List<byte[]> pieces) {
    if (value.length <= PIECE_BYTES) {
      pieces.add(value);
      return;
    }
    for (int from = 0; from + PIECE_BYTES < value.length; from += PIECE_BYTES) {
      pieces.add(Arrays.copyOfRange(value, from, from + PIECE_BYTES));
    }
    pieces.add(Arrays.copyOfRange(value, value.length - PIECE_BYTES, value.length));
  }

  /**
   * Base64 of a text in which the piece begins at a multiple of three bytes, one byte after, or
   * two: the characters that depend on the piece alone.
   */
  private static void addBase64(byte[] piece, Set<RedactionPattern> patterns) {
    for (int before = 0; before < 3; before++) {
      byte[] shifted = new byte[before + piece.length];
      System.arraycopy(piece, 0, shifted, before, piece.length);
      int first = (before * 8 + 5) / 6;
      int end = shifted.length * 8 / 6;
      for (Base64.Encoder alphabet : List.of(Base64.getEncoder(), Base64.getUrlEncoder())) {
        byte[] encoded = alphabet.encode(shifted);
        patterns.add(new RedactionPattern(Arrays.copyOfRange(encoded, first, end), Kind.BASE64));
      }
    }
  }

  int length() {
    return bytes.length;
  }

  /** The first four bytes, or all of fewer, as {@link #prefix(int, int)} makes it. */
  int prefix() {
    int packed = 0;
    int length = Math.min(PREFIX_BYTES, bytes.length);
    for (int i = 0; i < length; i++) {
      packed = extend(packed, bytes[i]);
    }
    return prefix(packed, length);
  }

  /** Adds the next byte to the bytes of a prefix. */
  static int extend(int packed, byte next) {
    return (packed << 8) | (next & 0xFF);
  }

  /** Tells fewer than four bytes from four that begin with zeros. */
  static int prefix(int packed, int length) {
    return length == PREFIX_BYTES ? packed : packed ^ (length << 29) ^ 0x5A000000;
  }

  long hash() {
    return hash;
  }

  /** Adds the next byte to the hash of those before it; the first one goes to the seed. */
  static long extend(long hash, byte next) {
    return (hash ^ (next & 0xFF)) * 0x100000001B3L;
  }

  /** What the pattern covers when it begins there; null when it does not. */
  Span matchAt(byte[] text, int at) {
    int end = at + bytes.length;
    if (end > text.length || !Arrays.equals(bytes, 0, bytes.length, text, at, end)) {
      return null;
    }
    return switch (kind) {
      case VALUE -> new Span(at, end);
      case WORD -> adjoined(text, at, end) ? null : new Span(at, end);
      case BASE64 -> base64Around(text, at, end);
    };
  }

  private static boolean adjoined(byte[] text, int start, int end) {
    return (start > 0 && letterOrDigit(text[start - 1]))
        || (end < text.length && letterOrDigit(text[end]));
  }

  /** Bytes of a character beyond ASCII count as letters. */
  private static boolean letterOrDigit(byte b) {
    return b < 0 || Character.isLetterOrDigit(b);
  }

  private static Span base64Around(byte[] text, int start, int end) {
    int from = start;
    while (from > 0 && base64(text[from - 1])) {
      from--;
    }
    int to = end;
    while (to < text.length && base64(text[to])) {
      to++;
    }
    while (to < text.length && text[to] == '=') {
      to++;
    }
    return new Span(from, to);
  }

  private static boolean base64(byte b) {
    return (b >= 0 && Character.isLetterOrDigit(b)) || b == '+' || b == '/' || b == '-' || b == '_';
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RedactionPattern that
        && kind == that.kind
        && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Long.hashCode(hash);
  }
}
