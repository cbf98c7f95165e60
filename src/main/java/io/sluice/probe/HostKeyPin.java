package io.sluice.probe;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PublicKey;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.digest.BuiltinDigests;

/**
 * The host key that a sender or an earlier success has approved, compared exactly: as a whole key
 * or by its SHA-256 fingerprint, as {@code ssh-keygen -l} prints it.
 *
 * @param fingerprint {@code SHA256:} and base64 without padding; null when the key is given
 * @param key null when the fingerprint is given
 * @param type the key's type; null when the fingerprint is given
 */
record HostKeyPin(String fingerprint, PublicKey key, String type) {
  /** What a sender is told to send. */
  static final String EXPECTED = "Send an SHA256: fingerprint or a line of a known_hosts file.";

  /** 32 bytes in base64; some tools pad it. */
  private static final Pattern FINGERPRINT = Pattern.compile("SHA256:[A-Za-z0-9+/]{43}=?");

  /**
   * @param text a fingerprint, a key ({@code type base64}), or a known_hosts line
   * @return empty when it is neither, or carries a marker such as {@code @cert-authority}
   */
  static Optional<HostKeyPin> parse(String text) {
    String line = text.strip();
    if (FINGERPRINT.matcher(line).matches()) {
      return Optional.of(new HostKeyPin(line.replaceAll("=+$", ""), null, null));
    }
    List<String> words = Arrays.asList(line.split("\\s+"));
    for (int i = 0; i + 1 < words.size() && i < 2; i++) {
      if (words.get(i + 1).startsWith("AAAA")) {
        if (i == 1 && words.get(0).startsWith("@")) {
          return Optional.empty();
        }
        try {
          PublicKey key =
              PublicKeyEntry.parsePublicKeyEntry(words.get(i) + " " + words.get(i + 1))
                  .resolvePublicKey(null, null, null);
          return key == null
              ? Optional.empty()
              : Optional.of(new HostKeyPin(null, key, KeyUtils.getKeyType(key)));
        } catch (IOException | GeneralSecurityException | RuntimeException e) {
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  boolean matches(PublicKey shown) {
    if (key != null) {
      return KeyUtils.compareKeys(key, shown);
    }
    return MessageDigest.isEqual(
        fingerprint.getBytes(StandardCharsets.US_ASCII),
        fingerprint(shown).getBytes(StandardCharsets.US_ASCII));
  }

  /** The fingerprint, whichever of the two was given. */
  String shownAs() {
    return key == null ? fingerprint : fingerprint(key);
  }

  static String fingerprint(PublicKey key) {
    return KeyUtils.getFingerPrint(BuiltinDigests.sha256, key);
  }

  /** As in a known_hosts file, without the host. */
  static String knownHostsKey(PublicKey key) {
    return PublicKeyEntry.toString(key);
  }
}
