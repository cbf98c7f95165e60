package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.decode.WrongInputs.Expected;
import io.sluice.decode.WrongInputs.Input;
import io.sluice.model.Field;
import io.sluice.model.Refusal;
import io.sluice.model.ZohoError;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.camel.Exchange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The decode stage, under every wrong input that the contract knows of. */
class WrongInputsTest {
  private static final Map<String, Object> SETTINGS =
      new LinkedHashMap<>(Map.of("driver", "mysql", "host", "db.example", "port", 3306));

  private static final Map<String, Object> CONFIG =
      Map.of(
          "serviceName", "LOCAL DATABASE",
          "databaseType", "MARIADB",
          "hostName", "db.example",
          "userName", "u");

  private static DecodeRoute route;

  @BeforeAll
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterAll
  static void stop() {
    route.close();
  }

  @Test
  void theTableHasEveryFieldOfTheProductAndNoOther() {
    TreeSet<String> names = new TreeSet<>(WrongInputs.FIELDS.keySet());
    names.removeIf(name -> Field.named(name).isEmpty());
    assertThat(names).isEqualTo(new TreeSet<>(WrongInputs.FIELDS.keySet()));
    for (Field field : Field.values()) {
      assertThat(WrongInputs.FIELDS.get(field.wireName()).maxLength()).isEqualTo(field.maxLength());
    }
  }

  @Test
  void everyWrongFieldIsRefusedAsTheContractSays() {
    List<Input> inputs = WrongInputs.of(SETTINGS, Wire.ID);
    List<String> objections = new ArrayList<>();
    for (Input input : inputs) {
      objection(input).ifPresent(o -> objections.add(input + ": " + o));
    }
    System.out.println(inputs.size() + " generated inputs went through the decode stage.");
    assertThat(objections).isEmpty();
    assertThat(inputs).hasSizeGreaterThan(8000);
  }

  @Test
  void everyOtherWayInRefusesTheSame() {
    List<Input> inputs = WrongInputs.elsewhere(SETTINGS);
    List<String> objections = new ArrayList<>();
    for (Input input : inputs) {
      objection(input).ifPresent(o -> objections.add(input + ": " + o));
    }
    System.out.println(inputs.size() + " generated inputs came as patches, records and events.");
    assertThat(objections).isEmpty();
    assertThat(inputs).hasSizeGreaterThan(9000);
  }

  @Test
  void theTableOfConfigHasEveryAttributeOfTheProductAndNoOther() {
    Set<String> keys = new TreeSet<>(ConfigKeys.FIELDS.keySet());
    keys.addAll(ConfigKeys.TUNNEL_FIELDS.keySet());
    keys.addAll(ConfigKeys.OPTIONS.keySet());
    keys.addAll(Set.of(ConfigKeys.USE_SSL, ConfigKeys.USE_SSH, ConfigKeys.SSH_PASSWORD));
    assertThat(new TreeSet<>(WrongConfigs.KEYS.keySet())).isEqualTo(keys);
  }

  @Test
  void everyWrongAttributeOfConfigHasItsCode() {
    List<WrongConfigs.Input> inputs = WrongConfigs.of(CONFIG);
    List<String> objections = new ArrayList<>();
    for (WrongConfigs.Input input : inputs) {
      objection(input).ifPresent(o -> objections.add(input + ": " + o));
    }
    System.out.println(inputs.size() + " generated CONFIGs went through the decode stage.");
    assertThat(objections).isEmpty();
    assertThat(inputs).hasSizeGreaterThan(5000);
  }

  private static Optional<String> objection(WrongConfigs.Input input) {
    Refusal refusal;
    try {
      byte[] config = ConfigParameter.find(input.query(), input.body(), input.contentType());
      Exchange exchange =
          route.send(new Encoded(config, null, Encoded.Api.ZOHO_CONFIG, Wire.ID), Map.of());
      if (exchange.getException() == null) {
        return input.refused() ? Optional.of("was let through") : Optional.empty();
      }
      if (!(exchange.getException() instanceof Refusal refused)) {
        return Optional.of("ended in " + exchange.getException());
      }
      refusal = refused;
    } catch (Refusal refused) {
      refusal = refused;
    }
    ZohoError error = ZohoError.of(refusal);
    if (!input.refused()) {
      return Optional.of("was refused: " + refusal.getMessage());
    }
    if (error.code() != input.code()
        || error.httpStatus() != 400
        || !error.summary().equals(WrongConfigs.SUMMARIES.get(input.code()))) {
      return Optional.of("is " + error + ": " + refusal.getMessage());
    }
    String said = refusal.getMessage() + refusal.errors();
    if (said.contains(WrongInputs.CANARY)) {
      return Optional.of("is repeated: " + said);
    }
    boolean names = input.key() == null || (said + error.message()).contains(input.key());
    return names ? Optional.empty() : Optional.of("is not named: " + said);
  }

  private static Optional<String> objection(Input input) {
    Exchange exchange = route.send(input.encoded(), Map.of());
    Expected expected = input.expected();
    if (exchange.getException() == null) {
      return expected.refused() ? Optional.of("was let through") : Optional.empty();
    }
    if (!(exchange.getException() instanceof Refusal refusal)) {
      return Optional.of("ended in " + exchange.getException());
    }
    if (!expected.refused()) {
      return Optional.of("was refused: " + refusal.getMessage());
    }
    List<String> named = refusal.errors().stream().map(Refusal.FieldError::field).toList();
    String said = refusal.getMessage() + " " + refusal.errors();
    if (refusal.reason().httpStatus() != expected.status()
        || !refusal.reason().name().equals(expected.reason())) {
      return Optional.of("is " + refusal.reason());
    }
    if (said.contains(WrongInputs.CANARY)) {
      return Optional.of("is repeated: " + said);
    }
    boolean names =
        expected.field() == null
            || (!named.isEmpty()
                && named.stream().allMatch(n -> n.startsWith(expected.field()))
                && said.contains(expected.field()));
    return names ? Optional.empty() : Optional.of("is not named: " + said);
  }
}
