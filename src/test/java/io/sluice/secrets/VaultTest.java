package io.sluice.secrets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.Field;
import io.sluice.model.Secret;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class VaultTest {
  private static final SecretAddress HERE = SecretAddress.of("ws-1", "orders", Field.PASSWORD);

  @TempDir Path directory;
  private Path file;
  private Vault vault;

  @BeforeEach
  void openVault() {
    file = directory.resolve("keys").resolve("keyset.json");
    vault = Vault.open(file, true);
  }

  @Test
  void a_sealed_secret_opens_where_it_was_sealed() {
    Secret secret = Secret.of("pä55 \"wörd\" \uD83D\uDD11");

    assertThat(vault.open(vault.seal(secret, HERE), HERE)).isEqualTo(secret);
  }

  @Test
  void a_sealed_secret_still_opens_after_a_restart() {
    String sealed = vault.seal(Secret.of("s3cret"), HERE);

    assertThat(Vault.open(file, false).open(sealed, HERE)).isEqualTo(Secret.of("s3cret"));
  }

  @Test
  void a_ciphertext_that_is_moved_to_another_place_does_not_open() {
    String sealed = vault.seal(Secret.of("s3cret"), HERE);

    assertThat(
            List.of(
                SecretAddress.of("ws-2", "orders", Field.PASSWORD),
                SecretAddress.of("ws-1", "invoices", Field.PASSWORD),
                SecretAddress.of("ws-1", "orders", Field.SSH_PASSWORD),
                // The same characters, divided differently.
                new SecretAddress("ws-1o", "rders", "password")))
        .allSatisfy(
            elsewhere ->
                assertThatThrownBy(() -> vault.open(sealed, elsewhere))
                    .isInstanceOf(VaultException.class)
                    .hasMessageContaining("sealed for another place"));
  }

  @Test
  void a_sealed_payload_opens_neither_as_a_secret_nor_in_another_context() {
    byte[] payload = "{\"password\":\"x\"}".getBytes(StandardCharsets.UTF_8);
    String sealed = vault.sealBytes(payload, "update-1");

    assertThat(vault.openBytes(sealed, "update-1")).isEqualTo(payload);
    assertThatThrownBy(() -> vault.openBytes(sealed, "update-2"))
        .isInstanceOf(VaultException.class);
    assertThatThrownBy(() -> vault.open(sealed, new SecretAddress("update-1", "", "")))
        .isInstanceOf(VaultException.class);
  }

  @Test
  void a_ciphertext_with_any_one_character_changed_does_not_open() {
    String sealed = vault.seal(Secret.of("s3cret"), HERE);

    // The last character also carries bits that belong to nothing.
    for (int at = 0; at < sealed.length() - 1; at++) {
      char other = sealed.charAt(at) == 'A' ? 'B' : 'A';
      String tampered = sealed.substring(0, at) + other + sealed.substring(at + 1);
      assertThatThrownBy(() -> vault.open(tampered, HERE)).isInstanceOf(VaultException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "v1.", "v1.AAAA", "v1.%%%", "v2.AAAAAAAAAAAAAAAA", "s3cret"})
  void what_was_never_sealed_is_refused_without_being_repeated(String text) {
    assertThatThrownBy(() -> vault.open(text, HERE))
        .isInstanceOf(VaultException.class)
        .hasMessageContaining("damaged")
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void two_seals_of_one_secret_differ_and_do_not_show_it() {
    Set<String> seals = ConcurrentHashMap.newKeySet();
    IntStream.range(0, 1000).forEach(i -> seals.add(vault.seal(Secret.of("s3cret"), HERE)));

    assertThat(seals).hasSize(1000).noneMatch(seal -> seal.contains("s3cret"));
  }

  @Test
  void the_key_file_and_its_directory_belong_to_their_owner_alone() throws IOException {
    assertThat(rights(file)).isEqualTo("rw-------");
    assertThat(rights(file.getParent())).isEqualTo("rwx------");
  }

  @ParameterizedTest
  @ValueSource(strings = {"rw-r-----", "rw----r--", "rw--w----", "rw-------x"})
  void a_key_file_that_others_may_touch_is_refused_with_the_remedy(String rights)
      throws IOException {
    String nine = rights.substring(0, 8) + rights.substring(rights.length() - 1);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(nine));

    assertThatThrownBy(() -> Vault.open(file, false))
        .isInstanceOf(VaultException.class)
        .hasMessageContaining("chmod 600 " + file);
  }

  @Test
  void an_absent_key_file_is_not_made_unless_allowed() {
    Path absent = directory.resolve("absent.json");

    assertThatThrownBy(() -> Vault.open(absent, false))
        .isInstanceOf(VaultException.class)
        .hasMessageContaining(absent.toString())
        .hasMessageContaining("SLUICE_KEYSET");
    assertThat(absent).doesNotExist();
  }

  @Test
  void a_damaged_key_file_is_refused_without_quoting_it() throws IOException {
    String keys = Files.readString(file);
    Files.writeString(file, keys.replace("\"value\"", "value"));
    String material = new ObjectMapper().readTree(keys).findValue("value").asText();

    assertThatThrownBy(() -> Vault.open(file, false))
        .isInstanceOf(VaultException.class)
        .hasNoCause()
        .hasMessageContaining("damaged")
        .hasMessageNotContaining(material.substring(0, 8));
  }

  @Test
  void another_installations_keys_open_nothing_and_the_error_says_so() throws IOException {
    String sealed = vault.seal(Secret.of("s3cret"), HERE);
    Path otherFile = directory.resolve("other.json");
    Vault other = Vault.open(otherFile, true);
    String material =
        new ObjectMapper().readTree(Files.readString(otherFile)).findValue("value").asText();

    assertThatThrownBy(() -> other.open(sealed, HERE))
        .isInstanceOf(VaultException.class)
        .hasMessageContaining("Is it this installation's key file?")
        .hasMessageNotContaining(material)
        .hasMessageNotContaining("s3cret");
  }

  @Test
  void starts_at_the_same_moment_agree_on_one_key_file() throws Exception {
    Path shared = directory.resolve("new").resolve("keyset.json");
    ExecutorService starts = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Vault>> tasks =
          IntStream.range(0, 8)
              .<Callable<Vault>>mapToObj(i -> () -> Vault.open(shared, true))
              .toList();
      List<Future<Vault>> vaults = starts.invokeAll(tasks);

      String sealed = vaults.get(0).get().seal(Secret.of("s3cret"), HERE);
      for (Future<Vault> each : vaults) {
        assertThat(each.get().open(sealed, HERE)).isEqualTo(Secret.of("s3cret"));
      }
    } finally {
      starts.shutdownNow();
    }
  }

  @Test
  void after_a_rotation_old_secrets_open_and_new_ones_use_the_new_key() {
    String old = vault.seal(Secret.of("s3cret"), HERE);
    vault.rotate();

    assertThat(vault.open(old, HERE)).isEqualTo(Secret.of("s3cret"));
    assertThat(vault.sealedWithOldKey(old)).isTrue();
    String resealed = vault.newest(old, HERE);
    assertThat(vault.sealedWithOldKey(resealed)).isFalse();
    assertThat(vault.open(resealed, HERE)).isEqualTo(Secret.of("s3cret"));
    assertThat(vault.newest(resealed, HERE)).isEqualTo(resealed);
  }

  @Test
  void another_instance_opens_what_was_sealed_after_a_rotation_without_a_restart() {
    Vault neighbour = Vault.open(file, false);
    vault.rotate();
    String sealed = vault.seal(Secret.of("s3cret"), HERE);

    assertThat(neighbour.open(sealed, HERE)).isEqualTo(Secret.of("s3cret"));
  }

  @Test
  void another_instance_seals_with_the_new_key_once_it_has_looked() {
    Vault neighbour = Vault.open(file, false);
    vault.rotate();
    neighbour.refresh();

    assertThat(vault.sealedWithOldKey(neighbour.seal(Secret.of("s3cret"), HERE))).isFalse();
  }

  @Test
  void two_rotations_by_two_instances_lose_no_key() {
    Vault neighbour = Vault.open(file, false);
    vault.rotate();
    String first = vault.seal(Secret.of("first"), HERE);
    neighbour.rotate();

    assertThat(Vault.open(file, false).open(first, HERE)).isEqualTo(Secret.of("first"));
  }

  @Test
  void dropped_keys_open_nothing_any_more_and_the_newest_still_does() throws IOException {
    String old = vault.seal(Secret.of("s3cret"), HERE);
    vault.rotate();
    String resealed = vault.newest(old, HERE);
    vault.dropOldKeys(vault.newestKey());

    Vault restarted = Vault.open(file, false);
    assertThat(restarted.open(resealed, HERE)).isEqualTo(Secret.of("s3cret"));
    assertThatThrownBy(() -> restarted.open(old, HERE)).isInstanceOf(VaultException.class);
    JsonNode sealing = new ObjectMapper().readTree(Files.readString(file)).get("sealing");
    assertThat(sealing.get("key")).hasSize(1);
    assertThat(rights(file)).isEqualTo("rw-------");
  }

  @Test
  void no_key_is_dropped_when_another_was_added_meanwhile() {
    vault.rotate();
    String needed = vault.seal(Secret.of("s3cret"), HERE);
    int newest = vault.newestKey();
    Vault.open(file, false).rotate();

    assertThatThrownBy(() -> vault.dropOldKeys(newest))
        .isInstanceOf(VaultException.class)
        .hasMessageContaining("meanwhile");
    assertThat(Vault.open(file, false).open(needed, HERE)).isEqualTo(Secret.of("s3cret"));
  }

  @Test
  void fingerprints_are_equal_for_equal_secrets_and_outlive_a_rotation() {
    String fingerprint = vault.fingerprint(Secret.of("s3cret"));
    vault.rotate();

    assertThat(fingerprint).matches("hmac:[0-9a-f]{16}");
    assertThat(Vault.open(file, false).fingerprint(Secret.of("s3cret"))).isEqualTo(fingerprint);
    assertThat(vault.fingerprint(Secret.of("s3creT"))).isNotEqualTo(fingerprint);
  }

  @Test
  void fingerprints_of_two_installations_cannot_be_compared() {
    Vault other = Vault.open(directory.resolve("other.json"), true);

    assertThat(other.fingerprint(Secret.of("s3cret")))
        .isNotEqualTo(vault.fingerprint(Secret.of("s3cret")));
  }

  @Test
  void a_secret_is_never_written_as_json_and_the_refusal_does_not_show_it() {
    ObjectMapper json = new ObjectMapper();

    assertThatThrownBy(() -> json.writeValueAsString(Map.of("password", Secret.of("s3cret"))))
        .isInstanceOf(JsonMappingException.class)
        .hasMessageNotContaining("s3cret");
    assertThat(Secret.of("s3cret")).hasToString("********");
  }

  private static String rights(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }
}
