package io.sluice.drivers;

/** A driver of the catalogue cannot be used here and now. */
public final class DriverUnavailable extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param hint what to do about it, in sentences for the sender
   */
  DriverUnavailable(String hint, Throwable cause) {
    super(hint, cause);
  }
}
