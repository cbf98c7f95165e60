package io.sluice.secrets;

import io.sluice.model.Secret;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.regex.Pattern;

/**
 * Makes opaque API tokens and the hashes by which they are stored.
 *
 * <p>The hash is keyed with the vault's fingerprint key. A plain SHA-256 would do for the 256
 * random bits of a generated token, but an operator may choose {@code SLUICE_TOKEN}, and then a
 * stolen table of plain hashes invites guessing. The key also makes it safe to look a token up by
 * its hash in an index: nobody can aim a token at a hash.
 */
public final class Tokens {
  /** Lets people and secret scanners recognize a token. */
  public static final String PREFIX = "slc_";

  /** The least length of a token that an operator chooses, in characters. */
  public static final int MIN_LENGTH = 16;

  /** The greatest length, in characters: what fits into a header beside everything else. */
  public static final int MAX_LENGTH = 512;

  private static final int RANDOM_BYTES = 32;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** RFC 6750, section 2.1: b64token. */
  private static final Pattern B64TOKEN = Pattern.compile("[A-Za-z0-9._~+/-]+=*");

  private final Vault vault;

  public Tokens(Vault vault) {
    this.vault = vault;
  }

  /** A new token of 256 random bits. */
  public static Secret generate() {
    byte[] random = new byte[RANDOM_BYTES];
    RANDOM.nextBytes(random);
    return Secret.of(PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random));
  }

  /**
   * Accepts a token that an operator chose.
   *
   * @param source where it comes from, for the message
   * @throws IllegalArgumentException when it is too short, too long, or cannot travel in an
   *     Authorization header; the message does not repeat it
   */
  public static Secret chosen(String token, String source) {
    if (token.length() < MIN_LENGTH || token.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "The token in "
              + source
              + " has "
              + token.length()
              + " characters; it needs "
              + MIN_LENGTH
              + " to "
              + MAX_LENGTH
              + ". Without one, a token is made.");
    }
    if (!B64TOKEN.matcher(token).matches()) {
      throw new IllegalArgumentException(
          "The token in "
              + source
              + " may consist of letters, digits and . _ ~ + / - only, and"
              + " may end with =.");
    }
    return Secret.of(token);
  }

  /** What is stored of a token, and what it is looked up by. */
  public String hash(Secret token) {
    return vault.tokenHash(token);
  }
}
