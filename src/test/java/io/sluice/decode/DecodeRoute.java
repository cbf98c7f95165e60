package io.sluice.decode;

import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.drivers.DriverJars;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.camel.CamelContext;
import org.apache.camel.Exchange;
import org.apache.camel.FluentProducerTemplate;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;

/** The route file {@code routes/20-decode.camel.yaml} in a Camel context of its own. */
final class DecodeRoute implements AutoCloseable {
  private static final Pattern ANY = Pattern.compile("");

  static final DriverCatalogue DRIVERS =
      new DriverCatalogue(
          List.of(
              driver(
                  "postgresql",
                  List.of("postgre", "postgres"),
                  List.of("POSTGRESQL", "AMAZON AURORA POSTGRESQL"),
                  5432),
              driver("mysql", List.of(), List.of("MYSQL", "AMAZON AURORA MYSQL"), 3306),
              driver("mariadb", List.of(), List.of("MARIADB"), 3306),
              driver("sqlserver", List.of(), List.of("SQLSERVER", "SQL DATABASE"), 1433),
              driver("oracle", List.of(), List.of("ORACLE"), 1521),
              driver("snowflake", List.of(), List.of("SNOWFLAKE"), 443),
              driver("athena", List.of(), List.of("AMAZON ATHENA"), 443),
              driver("bigquery", List.of(), List.of("GOOGLE BIG QUERY"), 443),
              driver("redshift", List.of(), List.of("REDSHIFT"), 5439)),
          new DriverJars(Path.of("drivers")));

  private static Driver driver(
      String id, List<String> aliases, List<String> zohoDatabaseTypes, int defaultPort) {
    return new Driver(
        id,
        id,
        aliases,
        zohoDatabaseTypes,
        "",
        null,
        id.equals("snowflake") ? Driver.Family.SNOWFLAKE : Driver.Family.RELAY,
        Driver.Tls.NONE,
        "",
        ANY,
        defaultPort,
        Set.of(),
        Set.of(),
        Map.of(),
        Map.of(),
        Map.of(),
        Map.of(),
        ANY,
        List.of(),
        "",
        false,
        Driver.Verified.UNVERIFIED,
        null);
  }

  private final CamelContext context = new DefaultCamelContext();
  private final FluentProducerTemplate template;

  DecodeRoute() throws Exception {
    context.getRegistry().bind("decoder", new Decoder(DRIVERS));
    context.getRegistry().bind("strictJson", StrictJson.mapper());
    context.start();
    PluginHelper.getRoutesLoader(context)
        .loadRoutes(
            ResourceHelper.resolveMandatoryResource(context, "file:routes/20-decode.camel.yaml"));
    template = context.createFluentProducerTemplate();
  }

  /** The exchange after the route, also when it failed. */
  Exchange send(Encoded encoded, Map<String, Object> headers) {
    return template.withHeaders(headers).withBody(encoded).to("direct:decode").send();
  }

  Update update(Encoded encoded) {
    Exchange exchange = send(encoded, Map.of());
    if (exchange.getException() != null) {
      throw new AssertionError("The update was not decoded.", exchange.getException());
    }
    return (Update) exchange.getMessage().getBody();
  }

  Refusal refusal(Encoded encoded) {
    Exception failure = send(encoded, Map.of()).getException();
    if (failure instanceof Refusal refusal) {
      return refusal;
    }
    throw new AssertionError("There is no refusal.", failure);
  }

  static Encoded body(String contentType, String body) {
    return new Encoded(
        body.getBytes(StandardCharsets.UTF_8), contentType, Encoded.Api.NATIVE, "warehouse-1");
  }

  static Encoded json(String body) {
    return body("application/json", body);
  }

  static Encoded xml(String body) {
    return body("application/xml", body);
  }

  static Encoded form(String body) {
    return body("application/x-www-form-urlencoded", body);
  }

  static Encoded config(String json) {
    return new Encoded(
        json.getBytes(StandardCharsets.UTF_8),
        null,
        Encoded.Api.ZOHO_CONFIG,
        "1767024000003890005");
  }

  @Override
  public void close() {
    context.stop();
  }
}
