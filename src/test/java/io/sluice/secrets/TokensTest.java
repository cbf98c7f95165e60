package io.sluice.secrets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.model.Secret;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class TokensTest {
  @TempDir Path directory;
  private Tokens tokens;

  @BeforeEach
  void openVault() {
    tokens = new Tokens(Vault.open(directory.resolve("keyset.json"), true));
  }

  @Test
  void made_tokens_are_recognizable_unguessable_and_fit_an_authorization_header() {
    Set<String> made = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      made.add(Tokens.generate().reveal());
    }

    assertThat(made).hasSize(1000).allMatch(token -> token.matches("slc_[A-Za-z0-9_-]{43}"));
  }

  @Test
  void a_token_has_a_hash_of_its_own_that_does_not_show_it() {
    Secret token = Tokens.generate();
    String hash = tokens.hash(token);

    assertThat(hash).matches("hmac:[0-9a-f]{64}");
    assertThat(tokens.hash(token)).isEqualTo(hash).doesNotContain(token.reveal());
    assertThat(tokens.hash(Tokens.generate())).isNotEqualTo(hash);
  }

  @Test
  void a_stolen_hash_is_of_no_use_without_the_key_file() {
    Secret token = Secret.of("operator-chose-this");
    Tokens elsewhere = new Tokens(Vault.open(directory.resolve("other.json"), true));

    assertThat(elsewhere.hash(token)).isNotEqualTo(tokens.hash(token));
  }

  @Test
  void a_tokens_hash_does_not_begin_with_its_fingerprint() {
    Vault vault = Vault.open(directory.resolve("keyset.json"), false);
    Secret token = Tokens.generate();

    assertThat(tokens.hash(token)).doesNotStartWith(vault.fingerprint(token));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "short",
        "fifteen-letters",
        "has a space in the middle",
        "quote\"quote\"quote",
        "tökentökentöken",
        "=leading-equals-x"
      })
  void a_chosen_token_that_is_too_short_or_cannot_travel_is_refused_without_being_repeated(
      String token) {
    assertThatThrownBy(() -> Tokens.chosen(token, "SLUICE_TOKEN"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("SLUICE_TOKEN")
        .hasMessageNotContaining(token);
  }

  @Test
  void a_chosen_token_of_sixteen_characters_is_accepted() {
    assertThat(Tokens.chosen("0123456789abcdef", "SLUICE_TOKEN").reveal()).hasSize(16);
  }

  @Test
  void the_first_token_comes_from_the_environment_when_it_is_given() {
    Path file = directory.resolve("token");
    FirstToken first = FirstToken.resolve(Secret.of("given-by-the-operator"), file);

    assertThat(first.origin()).isEqualTo(FirstToken.Origin.ENVIRONMENT);
    assertThat(first.token()).isEqualTo(Secret.of("given-by-the-operator"));
    assertThat(file).doesNotExist();
    assertThat(first.toString()).doesNotContain("operator");
  }

  @Test
  void the_first_token_is_made_once_and_found_again_at_the_next_start() throws IOException {
    Path file = directory.resolve("data").resolve("token");
    FirstToken first = FirstToken.resolve(null, file);
    FirstToken second = FirstToken.resolve(null, file);

    assertThat(first.origin()).isEqualTo(FirstToken.Origin.CREATED);
    assertThat(second.origin()).isEqualTo(FirstToken.Origin.FILE);
    assertThat(second.token()).isEqualTo(first.token());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void a_token_file_that_others_may_read_is_refused() throws IOException {
    Path file = directory.resolve("token");
    FirstToken.resolve(null, file);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));

    assertThatThrownBy(() -> FirstToken.resolve(null, file))
        .isInstanceOf(VaultException.class)
        .hasMessageContaining("chmod 600");
  }

  @ParameterizedTest
  @CsvSource({
    "datasources:read, datasources:read",
    "admin, admin",
    "ZohoAnalytics.metadata.read, datasources:read",
    "ZohoAnalytics.metadata.create, datasources:write",
    "ZohoAnalytics.metadata.update, datasources:write",
    "ZohoAnalytics.metadata.delete, datasources:write",
    "ZohoAnalytics.metadata.all, datasources:read datasources:write",
    "'ZohoAnalytics.metadata.read,ZohoAnalytics.metadata.update', datasources:read datasources:write",
    "' diagnostics  datasources:test ', datasources:test diagnostics"
  })
  void scopes_are_read_by_native_and_zoho_names(String list, String scopes) {
    assertThat(Scope.format(Scope.parse(list))).isEqualTo(scopes);
    assertThat(Scope.parse(scopes)).isEqualTo(Scope.parse(list));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "root", "admin,", "datasources:*", "ZohoAnalytics.data.read"})
  void an_unknown_scope_is_refused(String list) {
    assertThatThrownBy(() -> Scope.parse(list)).isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @EnumSource
  void a_token_permits_its_own_scope_and_what_that_implies_and_no_more(Scope held) {
    ApiToken token = new ApiToken("t-1", "t-1", "ws-1", Set.of(held), "test");
    Set<Scope> allowed = EnumSet.noneOf(Scope.class);
    for (Scope scope : Scope.values()) {
      if (token.allows(scope)) {
        allowed.add(scope);
      }
    }

    assertThat(allowed)
        .isEqualTo(
            switch (held) {
              case ADMIN -> EnumSet.allOf(Scope.class);
              case DATASOURCES_WRITE -> EnumSet.of(Scope.DATASOURCES_WRITE, Scope.DATASOURCES_TEST);
              case DATASOURCES_READ, DATASOURCES_TEST, DIAGNOSTICS -> EnumSet.of(held);
            });
  }
}
