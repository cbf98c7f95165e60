package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whoever speaks CONFIG is answered in its words. */
final class ConfigKeysTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ssl        | then do not send ssl as false.            | then do not send useSSL as false.
          options.schema | Check the spelling of options.schema. | Check the spelling of schemaName.
          driver     | Check that driver and port belong together. | Check that databaseType and port belong together.
          sshHost    | Check sshHost and sshPort.                | Check sshTunnelHost and sshTunnelPort.
          sshPassword | Check sshUsername, and sshPassword or sshIdentity. | Check sshTunnelUsername, and sshTunnelPassword.
          host       | host is required.                         | hostName is required.
          host       | There is no path to the host.             | There is no path to the host.
          """)
  void aSentenceHasConfigsNames(String field, String sentence, String words) {
    assertThat(ConfigKeys.inWords(sentence, field)).isEqualTo(words);
    assertThat(ConfigKeys.wayAround(sentence, field)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({"sslCA", "certificate", "keyfile", "sshHostKey", "sshJump", "sshJump[1]"})
  void whatConfigHasNoAttributeForIsSentAnotherWay(String field) {
    assertThat(ConfigKeys.wayAround("Send it.", field)).contains("PATCH /datasources/{id}");
  }

  @Test
  void thePassphraseOfAKeyHasNoAttribute() {
    String sentence =
        "The key in sshIdentity is encrypted. Send the key's passphrase as sshPassword.";

    assertThat(ConfigKeys.inWords(sentence, "sshPassword"))
        .isEqualTo(
            "The key in sshTunnelPassword is encrypted."
                + " Send the key's passphrase as sshPassword.");
    assertThat(ConfigKeys.wayAround(sentence, "sshPassword")).contains("PATCH");
  }
}
