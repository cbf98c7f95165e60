package io.sluice.probe;

/** Leaves the worker after its journal has noted how the test ended. Carries nothing. */
final class TestEnded extends Exception {
  private static final long serialVersionUID = 1L;

  TestEnded() {
    super(null, null, false, false);
  }
}
