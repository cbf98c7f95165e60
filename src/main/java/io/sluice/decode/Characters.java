package io.sluice.decode;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Which characters a text may have, and how a sender's own words are shown back. */
final class Characters {
  private static final int SHOWN_NAME_CHARACTERS = 64;

  private Characters() {}

  /** How strict a text is. */
  enum Rule {
    /** Shown to people: no control characters, no direction marks, no line separators. */
    SHOWN_LINE,
    /** Never shown: no control characters. */
    SECRET_LINE,
    /** As a secret, but line feeds and tabs are part of it. */
    LINES
  }

  /**
   * Reads UTF-8 without mending it.
   *
   * @return empty when the bytes are not UTF-8
   */
  static Optional<String> utf8(byte[] bytes) {
    try {
      // A new decoder reports what is malformed; String's constructor would replace it.
      return Optional.of(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString());
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /**
   * Writes UTF-8 without mending the text.
   *
   * @return empty when a surrogate stands alone
   */
  static Optional<byte[]> utf8(String text) {
    try {
      ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      byte[] bytes = new byte[encoded.remaining()];
      encoded.get(bytes);
      return Optional.of(bytes);
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** Why a text breaks a rule, as the end of a sentence that begins with the field's name. */
  static Optional<String> problem(String text, Rule rule) {
    return text.codePoints().allMatch(c -> allowed(c, rule))
        ? Optional.empty()
        : Optional.of(
            switch (rule) {
              case SHOWN_LINE ->
                  "must not have control characters, line separators or direction marks";
              case SECRET_LINE -> "must not have control characters";
              case LINES -> "must not have control characters other than line feeds and tabs";
            });
  }

  private static boolean allowed(int c, Rule rule) {
    if (Character.isISOControl(c)) {
      return rule == Rule.LINES && (c == '\n' || c == '\t');
    }
    // Half a character has no UTF-8 form, and XML 1.0 has no form for the two noncharacters.
    if (Character.getType(c) == Character.SURROGATE || c == 0xFFFE || c == 0xFFFF) {
      return false;
    }
    return rule != Rule.SHOWN_LINE || !(changesDirection(c) || c == 0x2028 || c == 0x2029);
  }

  /** The characters with the Unicode property Bidi_Control. */
  private static boolean changesDirection(int c) {
    return c == 0x061C
        || c == 0x200E
        || c == 0x200F
        || (c >= 0x202A && c <= 0x202E)
        || (c >= 0x2066 && c <= 0x2069);
  }

  /** A field's name as the sender wrote it: short, and safe in a log and on a terminal. */
  static String shown(String name) {
    StringBuilder shown = new StringBuilder();
    name.codePoints()
        .limit(SHOWN_NAME_CHARACTERS)
        .map(c -> allowed(c, Rule.SHOWN_LINE) ? c : '\uFFFD')
        .forEach(shown::appendCodePoint);
    return shown.toString();
  }
}
