package io.sluice.probe;

import io.sluice.model.Field;
import io.sluice.model.Reason;

/** What the TLS hooks saw of a handshake. Written and read by the worker's thread only. */
final class TlsOutcome {
  private boolean started;
  private boolean serverVerified;
  private boolean certificateAsked;
  private Reason reason;
  private Field field;
  private String hint;

  void start() {
    started = true;
  }

  /** Whether the server agreed to TLS, so that the handshake began. */
  boolean started() {
    return started;
  }

  void serverVerified(boolean verified) {
    serverVerified = verified;
  }

  /** Whether the server's certificate and name have been accepted. */
  boolean serverVerified() {
    return serverVerified;
  }

  void askForCertificate() {
    certificateAsked = true;
  }

  /** Whether the server asked for a certificate of the client's. */
  boolean certificateAsked() {
    return certificateAsked;
  }

  /** Notes why the handshake will fail; the first reason stands. */
  void refuse(Reason reason, Field field, String hint) {
    if (this.reason == null) {
      this.reason = reason;
      this.field = field;
      this.hint = hint;
    }
  }

  Reason reason() {
    return reason;
  }

  Field field() {
    return field;
  }

  String hint() {
    return hint;
  }
}
