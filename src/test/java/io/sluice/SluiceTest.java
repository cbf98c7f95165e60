package io.sluice;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.model.Secret;
import io.sluice.secrets.SecretAddress;
import io.sluice.secrets.Vault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands beside the start, as an operator runs them. */
final class SluiceTest {
  private static final SecretAddress HERE = SecretAddress.of("w", "d", Field.PASSWORD);

  @TempDir private Path directory;

  /** How a run ended, and what it said. */
  private record Run(int exit, String said) {}

  private static Run sluice(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Sluice.class.getName()));
    command.addAll(Arrays.asList(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Run(process.exitValue(), said);
  }

  @Test
  void aRotationAddsAKeyAndWhatWasSealedBeforeStillOpens() throws Exception {
    Path file = directory.resolve("keyset.json");
    Run made = sluice("keyset", file.toString());
    assertThat(made.exit()).as(made.said()).isZero();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    String sealed = Vault.open(file, false).seal(Secret.of("before"), HERE);

    Run rotated = sluice("rotate", file.toString());

    assertThat(rotated.exit()).as(rotated.said()).isZero();
    Vault vault = Vault.open(file, false);
    assertThat(vault.sealedWithOldKey(sealed)).isTrue();
    assertThat(vault.open(sealed, HERE)).isEqualTo(Secret.of("before"));
    assertThat(vault.sealedWithOldKey(vault.seal(Secret.of("after"), HERE))).isFalse();
  }

  @Test
  void noCommandOverwritesOrInventsKeys() throws Exception {
    Path file = directory.resolve("keyset.json");
    Run absent = sluice("rotate", file.toString());
    assertThat(absent.exit()).isEqualTo(1);
    assertThat(absent.said()).contains("does not exist");
    assertThat(file).doesNotExist();

    Vault.open(file, true);
    String before = Files.readString(file);
    Run again = sluice("keyset", file.toString());
    assertThat(again.exit()).isEqualTo(1);
    assertThat(again.said()).contains("exists already");
    assertThat(Files.readString(file)).isEqualTo(before);

    Run unknown = sluice("keys");
    assertThat(unknown.exit()).isEqualTo(2);
    assertThat(unknown.said()).contains("Usage");
  }
}
