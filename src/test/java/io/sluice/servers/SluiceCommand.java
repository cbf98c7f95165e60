package io.sluice.servers;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.Sluice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A command beside the start, as an operator runs it.
 *
 * @param exit how it ended
 * @param said what it wrote, to both outputs
 */
public record SluiceCommand(int exit, String said) {

  /**
   * Runs one to its end.
   *
   * @param environment in addition to that of the tests
   */
  public static SluiceCommand run(Map<String, String> environment, String... arguments) {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Sluice.class.getName()));
    command.addAll(Arrays.asList(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    try {
      Process process = builder.start();
      String said = new String(process.getInputStream().readAllBytes(), UTF_8);
      return new SluiceCommand(process.waitFor(), said);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while a command ran.", e);
    }
  }
}
