package io.sluice.start.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A PostgreSQL that outlived the process which had started it. It is found by {@code
 * postmaster.pid} (PostgreSQL manual, "Database File Layout"), whose first line is its process id.
 */
final class StrayPostgres {
  private static final Logger LOG = LoggerFactory.getLogger(StrayPostgres.class);

  /** Long enough for the checkpoint that a fast shutdown writes. */
  private static final Duration FAST_LIMIT = Duration.ofSeconds(20);

  private static final Duration IMMEDIATE_LIMIT = Duration.ofSeconds(10);

  private final Path pidFile;

  StrayPostgres(Path cluster) {
    pidFile = cluster.resolve("postmaster.pid");
  }

  /**
   * Ends the server in an orderly way (SIGINT), or at once (SIGQUIT) where that takes too long.
   * Does nothing when there is none. The caller holds the claim on the directory, so that the
   * server cannot be somebody else's.
   */
  void end() {
    if (Files.notExists(pidFile)) {
      return;
    }
    Optional<ProcessHandle> process = ProcessHandle.of(pid()).filter(ProcessHandle::isAlive);
    if (process.isEmpty()) {
      // PostgreSQL itself takes over the file of a process that is gone.
      return;
    }
    long pid = process.get().pid();
    if (!isPostgres(process.get())) {
      // The number went to another program, for which PostgreSQL would refuse to start.
      try {
        Files.delete(pidFile);
      } catch (IOException e) {
        throw new IllegalStateException("The stale file " + pidFile + " cannot be deleted.", e);
      }
      return;
    }
    LOG.atInfo().addKeyValue("pid", pid).log("Ending the PostgreSQL of a run that was killed.");
    if (!ended(process.get(), "INT", FAST_LIMIT)
        && !ended(process.get(), "QUIT", IMMEDIATE_LIMIT)) {
      throw new IllegalStateException(
          "The PostgreSQL of an earlier run does not end; end process " + pid + " and try again.");
    }
  }

  private long pid() {
    try {
      List<String> lines = Files.readAllLines(pidFile);
      return lines.isEmpty() ? -1 : Long.parseLong(lines.get(0).strip());
    } catch (IOException | NumberFormatException e) {
      throw new IllegalStateException("The file " + pidFile + " cannot be read; delete it.", e);
    }
  }

  private static boolean isPostgres(ProcessHandle process) {
    return process
        .info()
        .command()
        .map(Path::of)
        .map(Path::getFileName)
        .map(Path::toString)
        .filter("postgres"::equals)
        .isPresent();
  }

  private static boolean ended(ProcessHandle process, String signal, Duration limit) {
    CompletableFuture<ProcessHandle> exit = process.onExit();
    try {
      // ProcessHandle has SIGTERM and SIGKILL only; the first waits for clients without end.
      new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).start().waitFor();
      exit.get(limit.toMillis(), TimeUnit.MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while PostgreSQL was ended.", e);
    } catch (IOException | ExecutionException e) {
      throw new IllegalStateException("The PostgreSQL of an earlier run cannot be ended.", e);
    }
  }
}
