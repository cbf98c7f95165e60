package io.sluice;

import io.sluice.drivers.DriverSilence;
import io.sluice.secrets.LogRouting;
import io.sluice.secrets.Vault;
import io.sluice.start.Start;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Starts Sluice in the current folder, which holds {@code config} and {@code routes}. The profile
 * is named by {@code APP_PROFILE}: {@code dev}, or none for production.
 */
public final class Sluice {
  private Sluice() {}

  /**
   * Runs until it is stopped.
   *
   * @param args none to start; {@code keyset FILE} makes the file of keys that a production start
   *     needs, and {@code rotate FILE} adds a key to it, which is used from then on; both end
   */
  public static void main(String[] args) throws Exception {
    LogRouting.install();
    DriverSilence.install();
    if (args.length == 2 && args[0].equals("keyset")) {
      makeKeyset(Path.of(args[1]));
      return;
    }
    if (args.length == 2 && args[0].equals("rotate")) {
      rotate(Path.of(args[1]));
      return;
    }
    if (args.length > 0) {
      System.err.println("Usage: java -jar sluice.jar [keyset FILE | rotate FILE]");
      System.exit(2);
    }
    // Without an exit, threads that a failed start left behind would keep the process alive.
    System.exit(Start.run(System.getenv("APP_PROFILE"), System.out));
  }

  private static void makeKeyset(Path file) {
    if (Files.exists(file)) {
      System.err.println(
          file + " exists already, and what it seals needs it. Nothing was changed.");
      System.exit(1);
    }
    Vault.open(file, true);
    System.out.println("Made " + file + ". Keep a copy apart from the database's backups.");
  }

  private static void rotate(Path file) {
    if (Files.notExists(file)) {
      System.err.println(file + " does not exist. Nothing was changed.");
      System.exit(1);
    }
    Vault.open(file, false).rotate();
    System.out.println(
        "Added a key to "
            + file
            + ". Each instance seals with it from its next start on. Keep a new copy of the file: what"
            + " older keys sealed needs them.");
  }
}
