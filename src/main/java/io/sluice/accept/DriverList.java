package io.sluice.accept;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Field;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.camel.ExchangeProperty;

/** {@code GET /drivers}: what each driver takes, and whether it can be used here. */
public final class DriverList {
  private final DriverCatalogue drivers;
  private final Answers answers;
  private final ObjectMapper json;

  /** */
  public DriverList(DriverCatalogue drivers, Answers answers, ObjectMapper json) {
    this.drivers = drivers;
    this.answers = answers;
    this.json = json;
  }

  /** 200 with all of them. */
  public HttpAnswer listed(@ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request) {
    new Query(request, Set.of()).check();
    ArrayNode all = json.createArrayNode();
    for (Driver driver : drivers.all()) {
      ObjectNode node = all.addObject().put("id", driver.id()).put("title", driver.title());
      node.set("aliases", json.valueToTree(driver.aliases()));
      node.put("defaultPort", driver.defaultPort());
      node.set(
          "required",
          json.valueToTree(driver.required().stream().sorted().map(Field::wireName).toList()));
      ArrayNode options = node.putArray("options");
      new TreeMap<>(driver.options())
          .forEach(
              (name, option) ->
                  options
                      .addObject()
                      .put("name", name)
                      .put("grammar", option.grammar().pattern())
                      .put("destination", option.destination()));
      node.set(
          "secrets",
          json.valueToTree(driver.secrets().stream().sorted().map(Field::wireName).toList()));
      node.put("tls", driver.tls() != Driver.Tls.NONE && driver.family() != Driver.Family.NONE);
      node.put("verified", driver.verified().name().toLowerCase(Locale.ROOT));
      Optional<String> problem = drivers.jars().problem(driver);
      node.put("available", problem.isEmpty());
      problem.ifPresent(text -> node.put("problem", text));
      if (drivers.jars().fetchCommand(driver) != null) {
        node.put("fetch", drivers.jars().fetchCommand(driver));
      }
      if (driver.note() != null) {
        node.put("note", driver.note());
      }
    }
    return answers.ok(all);
  }
}
