package io.sluice.probe;

/** What a test says to the database over the way that stands: from TLS to one row. */
interface Conversation {
  /** Begins no exchange: that is what {@link #hold} does. */
  @FunctionalInterface
  interface Opening {
    /**
     * @param path for those that need further connections
     * @param login told how the database took the login
     */
    Conversation of(TestRun run, NetworkPath path, Login login);
  }

  /**
   * Takes the steps from {@code tls} or {@code login} on. What the peer does ends up in the run's
   * journal.
   *
   * @throws TestEnded when the test has ended before the last step
   */
  void hold() throws TestEnded;

  /** One set of credentials at one database, as the lock-out guard knows it. */
  record Login(LockoutGuard guard, String fingerprint) {
    void accepted() {
      guard.accepted(fingerprint);
    }

    void refused() {
      guard.refused(fingerprint);
    }
  }
}
