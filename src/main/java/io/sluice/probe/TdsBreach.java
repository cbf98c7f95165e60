package io.sluice.probe;

import io.sluice.model.Reason;
import java.io.IOException;

/** What a SQL Server did or asked for that a test does not go along with. */
final class TdsBreach extends IOException {
  private static final long serialVersionUID = 1L;
  private final Reason reason;
  private final String hint;

  /**
   * @param hint for the report; may be null
   */
  TdsBreach(Reason reason, String hint) {
    super("The server does what a connection test does not go along with.");
    this.reason = reason;
    this.hint = hint;
  }

  /** Bytes that are no TDS, or no TDS that a test can meet. */
  static TdsBreach garbled() {
    return new TdsBreach(Reason.PROTOCOL_MISMATCH, null);
  }

  Reason reason() {
    return reason;
  }

  String hint() {
    return hint;
  }
}
