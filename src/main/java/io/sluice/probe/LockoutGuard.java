package io.sluice.probe;

import io.sluice.model.Secret;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Remembers credentials that a server has refused, so that they are not tried again within a
 * window: servers lock accounts after a few bad logins. Keeps keyed hashes under a key of this
 * process, no credentials. Thread-safe.
 */
final class LockoutGuard {
  // Oldest entries go first; a login that falls out may be tried once more.
  private static final int MAX_REMEMBERED = 10_000;

  private final SecretKeySpec key;
  private final long windowNanos;
  private final Map<String, Long> refusedUntil = new LastUsed<>(MAX_REMEMBERED);
  private final Map<String, Boolean> accepted = new LastUsed<>(MAX_REMEMBERED);

  LockoutGuard(Duration window) {
    byte[] random = new byte[32];
    new SecureRandom().nextBytes(random);
    key = new SecretKeySpec(random, "HmacSHA256");
    windowNanos = window.toNanos();
  }

  /**
   * What stands for one login.
   *
   * @param path by which way the server is reached; the same address behind two bastions is two
   *     servers
   * @param secrets may contain null
   */
  String fingerprint(String path, String host, int port, String user, Secret... secrets) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(key);
      for (String part : new String[] {path, host, Integer.toString(port), user}) {
        add(mac, part);
      }
      for (Secret secret : secrets) {
        add(mac, secret == null ? null : secret.reveal());
      }
      return HexFormat.of().formatHex(mac.doFinal());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("Every JVM has HmacSHA256.", e);
    }
  }

  private static void add(Mac mac, String part) {
    byte[] bytes = part == null ? new byte[0] : part.getBytes(StandardCharsets.UTF_8);
    int length = part == null ? -1 : bytes.length;
    mac.update(
        new byte[] {
          (byte) (length >> 24), (byte) (length >> 16), (byte) (length >> 8), (byte) length
        });
    mac.update(bytes);
  }

  /** A server has let this login in. */
  synchronized void accepted(String login) {
    accepted.put(login, true);
    refusedUntil.remove(login);
  }

  /** Whether a server has let this login in, the last time it was tried. */
  synchronized boolean proven(String login) {
    return accepted.containsKey(login);
  }

  synchronized void refused(String login) {
    accepted.remove(login);
    refusedUntil.remove(login);
    refusedUntil.put(login, System.nanoTime() + windowNanos);
  }

  synchronized boolean remembers(String login) {
    Long until = refusedUntil.get(login);
    if (until == null) {
      return false;
    }
    if (until - System.nanoTime() > 0) {
      return true;
    }
    refusedUntil.remove(login);
    return false;
  }
}
