package io.sluice.probe;

import java.security.PublicKey;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.sshd.common.AttributeRepository;
import org.apache.sshd.common.AttributeRepository.AttributeKey;
import org.apache.sshd.common.session.Session;

/**
 * What one SSH session has shown so far. Written by its I/O thread, read by the worker that says
 * what it means.
 */
final class Handshake {
  /** Under which a session's context has it. */
  static final AttributeKey<Handshake> KEY = new AttributeKey<>();

  private final HostKeyPin pin;
  private final boolean strict;
  private final Runnable loggedIn;
  private final AtomicLong received = new AtomicLong();
  private volatile PublicKey shown;
  private volatile boolean spokeSsh;
  private volatile boolean nothingInCommon;

  /**
   * @param pin null: no key is approved yet
   * @param strict whether a key must have been approved
   * @param loggedIn told, on the I/O thread, when the server has let the user in
   */
  Handshake(HostKeyPin pin, boolean strict, Runnable loggedIn) {
    this.pin = pin;
    this.strict = strict;
    this.loggedIn = loggedIn;
  }

  /** Null for a session that is not one of ours. */
  static Handshake of(Session session) {
    AttributeRepository context =
        session instanceof BastionSession ours ? ours.getConnectionContext() : null;
    return context == null ? null : context.getAttribute(KEY);
  }

  HostKeyPin pin() {
    return pin;
  }

  /** The host key; null before the key exchange. */
  PublicKey shown() {
    return shown;
  }

  /** Whether the server proved to have the key that it shows is judged by the library. */
  boolean accept(PublicKey key) {
    shown = key;
    return pin == null ? !strict : pin.matches(key);
  }

  /** Whether an approved key is wanted and there is none. */
  boolean unapproved() {
    return pin == null && strict;
  }

  void identified() {
    spokeSsh = true;
  }

  void negotiated(boolean agreed) {
    nothingInCommon = !agreed;
  }

  void loggedIn() {
    loggedIn.run();
  }

  /**
   * @return bytes in all
   */
  long received(long bytes) {
    return received.addAndGet(bytes);
  }

  /** Why there is no key exchange, as far as it can be told; null where it cannot. */
  String obstacle() {
    if (nothingInCommon) {
      return "The SSH server offers outdated algorithms only: update it, or have it offer"
          + " curve25519-sha256, ssh-ed25519 or rsa-sha2-256, and aes128-ctr with"
          + " hmac-sha2-256.";
    }
    if (received.get() > 0 && !spokeSsh) {
      return "What answers on that port is not an SSH server.";
    }
    return null;
  }
}
