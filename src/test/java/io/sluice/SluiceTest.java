package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.model.Secret;
import io.sluice.secrets.SecretAddress;
import io.sluice.secrets.Vault;
import io.sluice.servers.SluiceCommand;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands beside the start, as an operator runs them. */
final class SluiceTest {
  private static final SecretAddress HERE = SecretAddress.of("w", "d", Field.PASSWORD);

  @TempDir private Path directory;

  private static SluiceCommand sluice(String... arguments) {
    return SluiceCommand.run(Map.of(), arguments);
  }

  @Test
  void aRotationAddsAKeyAndWhatWasSealedBeforeStillOpens() throws Exception {
    Path file = directory.resolve("keyset.json");
    SluiceCommand made = sluice("keyset", file.toString());
    assertThat(made.exit()).as(made.said()).isZero();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    String sealed = Vault.open(file, false).seal(Secret.of("before"), HERE);

    SluiceCommand rotated = sluice("rotate", file.toString());

    assertThat(rotated.exit()).as(rotated.said()).isZero();
    Vault vault = Vault.open(file, false);
    assertThat(vault.sealedWithOldKey(sealed)).isTrue();
    assertThat(vault.open(sealed, HERE)).isEqualTo(Secret.of("before"));
    assertThat(vault.sealedWithOldKey(vault.seal(Secret.of("after"), HERE))).isFalse();
  }

  @Test
  void noCommandOverwritesOrInventsKeys() throws Exception {
    Path file = directory.resolve("keyset.json");
    SluiceCommand absent = sluice("rotate", file.toString());
    assertThat(absent.exit()).isEqualTo(1);
    assertThat(absent.said()).contains("does not exist");
    assertThat(file).doesNotExist();

    Vault.open(file, true);
    String before = Files.readString(file);
    SluiceCommand again = sluice("keyset", file.toString());
    assertThat(again.exit()).isEqualTo(1);
    assertThat(again.said()).contains("exists already");
    assertThat(Files.readString(file)).isEqualTo(before);

    Files.writeString(file, "{}");
    for (String command : List.of("rotate", "retire")) {
      SluiceCommand damaged = sluice(command, file.toString());
      assertThat(damaged.exit()).isEqualTo(1);
      assertThat(damaged.said()).contains("is damaged").doesNotContain("Exception");
      assertThat(Files.readString(file)).isEqualTo("{}");
    }

    SluiceCommand unknown = sluice("keys");
    assertThat(unknown.exit()).isEqualTo(2);
    assertThat(unknown.said()).contains("Usage");
  }
}
