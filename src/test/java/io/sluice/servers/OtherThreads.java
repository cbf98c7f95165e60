package io.sluice.servers;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A test that waits fails by what it waits for, and not by what ends a thread of another test's
 * server meanwhile: they share one Java virtual machine.
 */
public final class OtherThreads implements BeforeAllCallback {
  @Override
  public void beforeAll(ExtensionContext context) {
    Awaitility.doNotCatchUncaughtExceptionsByDefault();
  }
}
