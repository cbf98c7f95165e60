package io.sluice;

import io.sluice.drivers.DriverSilence;
import io.sluice.secrets.LogRouting;
import io.sluice.secrets.Vault;
import io.sluice.secrets.VaultException;
import io.sluice.start.Retirement;
import io.sluice.start.Start;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * Starts Sluice in the current folder, which holds {@code config} and {@code routes}. The profile
 * is named by {@code APP_PROFILE}: {@code dev}, or none for production.
 */
public final class Sluice {
  private static final Set<String> COMMANDS = Set.of("keyset", "rotate", "retire");

  private Sluice() {}

  /**
   * Runs until it is stopped.
   *
   * @param args none to start; {@code keyset FILE} makes the file of keys that a production start
   *     needs, {@code rotate FILE} adds a key to it, which is used from then on, and {@code retire
   *     FILE} removes the older ones when nothing needs them any more; these end
   */
  public static void main(String[] args) throws Exception {
    LogRouting.install();
    DriverSilence.install();
    if (args.length == 2 && COMMANDS.contains(args[0])) {
      try {
        command(args[0], Path.of(args[1]));
      } catch (VaultException e) {
        System.err.println(e.getMessage() + " Nothing was changed.");
        System.exit(1);
      }
      return;
    }
    if (args.length > 0) {
      System.err.println("Usage: java -jar sluice.jar [keyset FILE | rotate FILE | retire FILE]");
      System.exit(2);
    }
    // Without an exit, threads that a failed start left behind would keep the process alive.
    System.exit(Start.run(System.getenv("APP_PROFILE"), System.out));
  }

  private static void command(String name, Path file) {
    switch (name) {
      case "keyset" -> makeKeyset(file);
      case "rotate" -> rotate(file);
      default -> System.exit(Retirement.run(file, System.out, System.err));
    }
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
            + ". Running instances seal with it soon, and seal anew what older keys sealed; until then"
            + " it needs them. Keep a new copy of the file.");
  }
}
