package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.model.Secret;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** One update means the same, whichever encoding carries it. */
class SameUpdateTest {
  private static final String PEM =
      "-----BEGIN CERTIFICATE-----\nMIIB+/=\n\tindented\n-----END CERTIFICATE-----\n";

  private static DecodeRoute route;

  @BeforeAll
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterAll
  static void stop() {
    route.close();
  }

  private static void assertSame(Wire wire, Update expected) {
    wire.all()
        .forEach(
            (encoding, encoded) ->
                assertThat(route.update(encoded)).as(encoding).isEqualTo(expected));
  }

  @Test
  void everyFieldArrivesFromEveryEncoding() {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("driver", "Postgre");
    fields.put("host", "db.example");
    fields.put("port", 5432);
    fields.put("username", "Jürgen O'Neil & <söhne> \"q\" 日本 😀");
    fields.put("password", "a+b%20c&d=e;f\"g'h\\i<j>k]]>l {m} ü");
    fields.put("database", "shop +1%");
    fields.put("ssl", true);
    fields.put("sslCA", PEM);
    fields.put("sslCertificate", PEM);
    fields.put("keyfile", PEM);
    fields.put("sslKeyfilePassword", "open sesame");
    fields.put("ssh", "true");
    fields.put("sshHost", "2001:db8::1");
    fields.put("sshPort", "22");
    fields.put("sshUsername", " leading and trailing ");
    fields.put("sshPassword", "x");
    fields.put("sshIdentity", PEM);
    fields.put("sshTunneling", false);
    fields.put("sshHostKey", "SHA256:abc+/=");
    fields.put("sshJump", "ops@outer.example:2222,[2001:db8::7]:22 SHA256:abc+/=");
    fields.put("accessToken", "token");
    fields.put("refreshToken", "1000.a.b");
    Wire wire = new Wire(fields, Map.of("schema", "app&1", "warehouse", "W+%"));

    Update expected = route.update(wire.all().get("JSON"));

    assertThat(expected.changes().keySet()).containsExactlyInAnyOrder(Field.values());
    assertThat(expected.changes())
        .containsEntry(Field.DRIVER, new Change.Set("postgresql"))
        .containsEntry(Field.PORT, new Change.Set(5432))
        .containsEntry(Field.SSL, new Change.Set(true))
        .containsEntry(Field.SSH, new Change.Set(true))
        .containsEntry(Field.SSH_PORT, new Change.Set(22))
        .containsEntry(Field.SSL_CA, new Change.Set(PEM))
        .containsEntry(Field.CERTIFICATE, new Change.Set(PEM))
        .containsEntry(Field.KEYFILE, new Change.Replace(Secret.of(PEM)))
        .containsEntry(Field.KEYFILE_PASSWORD, new Change.Replace(Secret.of("open sesame")))
        .containsEntry(
            Field.PASSWORD, new Change.Replace(Secret.of("a+b%20c&d=e;f\"g'h\\i<j>k]]>l {m} ü")));
    assertThat(expected.options()).containsEntry("warehouse", new Change.Set("W+%"));
    assertThat(expected.id()).isNull();
    assertSame(wire, expected);
  }

  @Test
  void nothingAndEmptyClearAndTheMaskKeeps() {
    Map<String, Object> cleared = new HashMap<>();
    Map<String, Object> emptied = new HashMap<>();
    for (Field field : Field.values()) {
      cleared.put(field.wireName(), null);
      emptied.put(field.wireName(), "");
    }
    Map<String, Object> option = new HashMap<>();
    option.put("schema", null);
    Update expected = route.update(new Wire(cleared, option).all().get("JSON"));

    assertThat(expected.changes()).hasSize(Field.values().length);
    assertThat(expected.changes().values()).containsOnly(new Change.Clear());
    assertThat(expected.options()).containsEntry("schema", new Change.Clear());
    assertSame(new Wire(cleared, option), expected);
    assertSame(new Wire(emptied, Map.of("schema", "")), expected);

    Map<String, Object> masked = new HashMap<>();
    Field.SECRETS.forEach(field -> masked.put(field.wireName(), Secret.MASK));
    masked.put("username", Secret.MASK);
    assertSame(
        new Wire(masked, Map.of()),
        route.update(DecodeRoute.json("{\"username\":\"" + Secret.MASK + "\"}")));
  }

  @Test
  void aLineEndInPemTextIsTheSameWhicheverSystemWroteIt() {
    assertThat(route.update(DecodeRoute.json("{\"sslCA\":\"a\\r\\nb\\rc\\n\"}")))
        .isEqualTo(route.update(DecodeRoute.xml("<i><sslCA>a\r\nb\rc\n</sslCA></i>")))
        .isEqualTo(route.update(DecodeRoute.form("sslCA=a%0D%0Ab%0Dc%0A")))
        .isEqualTo(route.update(DecodeRoute.json("{\"sslCA\":\"a\\nb\\nc\\n\"}")));
  }

  @Test
  void cdataAndCommentsArePartOfXmlAndNotOfTheValue() {
    assertThat(
            route.update(
                DecodeRoute.xml(
                    "<x><!-- a --><password>a<![CDATA[<b>&]]><!-- c -->d&amp;&#x65;</password></x>")))
        .isEqualTo(route.update(DecodeRoute.json("{\"password\":\"a<b>&d&e\"}")));
  }

  @Test
  void aZohoConfigIsTheSameUpdateInOtherWords() {
    Update config =
        route.update(
            DecodeRoute.config(
                "{\"serviceName\":\"amazon rds\",\"databaseType\":\"PostgreSQL\","
                    + "\"hostName\":\"db.example\",\"port\":\"5432\",\"userName\":\"a+b\","
                    + "\"password\":\"p%&\\\"<\",\"cloudDatabaseName\":\"shop\",\"useSSL\":true,"
                    + "\"schemaName\":\"app\",\"useSSH\":true,\"sshTunnelHost\":\"bastion\","
                    + "\"sshTunnelPort\":22,\"sshTunnelUsername\":\"hop\","
                    + "\"sshTunnelAuthType\":1,\"sshTunnelPassword\":\"K\\nEY\"}"));

    assertThat(config)
        .isEqualTo(
            route.update(
                DecodeRoute.json(
                    "{\"driver\":\"postgres\",\"host\":\"db.example\",\"port\":5432,"
                        + "\"username\":\"a+b\",\"password\":\"p%&\\\"<\",\"database\":\"shop\","
                        + "\"ssl\":true,\"options\":{\"schema\":\"app\"},\"ssh\":true,"
                        + "\"sshTunneling\":true,\"sshHost\":\"bastion\",\"sshPort\":22,"
                        + "\"sshUsername\":\"hop\",\"sshIdentity\":\"K\\nEY\","
                        + "\"sshPassword\":null}")));
  }

  @Test
  void whatGetReturnedCanBeEditedAndSentBack() {
    String json =
        "{\"id\":\"warehouse-1\",\"host\":\"db\",\"version\":7,\"published_at\":\"2026\","
            + "\"created_by\":null,\"updated_by\":\"x\",\"status\":\"ok\",\"options\":null,"
            + "\"last_test\":{\"steps\":[{\"step\":\"dns\"},{\"step\":\"tcp\"}]},"
            + "\"secrets\":{\"password\":{\"set\":true}}}";
    String xml =
        "<i><id>warehouse-1</id><host>db</host><version>7</version><last_test><steps><step>dns"
            + "</step></steps><steps/></last_test><secrets><password><set>true</set></password>"
            + "</secrets><options/></i>";
    String form = "id=warehouse-1&host=db&version=7&secrets.password.set=true&status=ok";

    Update expected = route.update(DecodeRoute.json("{\"host\":\"db\"}"));
    assertThat(route.update(DecodeRoute.json(json))).isEqualTo(expected);
    assertThat(route.update(DecodeRoute.xml(xml))).isEqualTo(expected);
    assertThat(route.update(DecodeRoute.form(form))).isEqualTo(expected);
  }

  @Test
  void aNewDataSourceMayNameItsId() {
    Encoded encoded =
        new Encoded(
            "{\"id\":\"new.one\"}".getBytes(StandardCharsets.UTF_8),
            "application/json",
            Encoded.Api.NATIVE,
            null);
    assertThat(route.update(encoded).id()).isEqualTo("new.one");
  }

  @Test
  void aListOfHopsIsAnArrayOrATextWithCommas() {
    Change expected = new Change.Set("outer.example,ops@[2001:db8::7]:2222 SHA256:abc");
    for (Encoded encoded :
        List.of(
            DecodeRoute.json(
                "{\"driver\":\"mariadb\",\"sshJump\":[\"outer.example\","
                    + "\"ops@[2001:db8::7]:2222 SHA256:abc\"]}"),
            DecodeRoute.json(
                "{\"driver\":\"mariadb\",\"sshJump\":\"outer.example, "
                    + "ops@[2001:db8::7]:2222 SHA256:abc\"}"),
            DecodeRoute.xml(
                "<item><driver>mariadb</driver><sshJump>\n<item>outer.example</item>"
                    + "<item>ops@[2001:db8::7]:2222 SHA256:abc</item></sshJump></item>"))) {
      assertThat(route.update(encoded).changes()).containsEntry(Field.SSH_JUMP, expected);
    }
    for (String around : List.of(" %s", "%s\\n", "\\t%s \\r\\n")) {
      String key = around.formatted("SHA256:abc");
      assertThat(
              route
                  .update(
                      DecodeRoute.json("{\"driver\":\"mariadb\",\"sshHostKey\":\"" + key + "\"}"))
                  .changes())
          .containsEntry(Field.SSH_HOST_KEY, new Change.Set("SHA256:abc"));
    }
    assertThat(route.update(DecodeRoute.json("{\"driver\":\"mariadb\",\"sshJump\":[]}")).changes())
        .containsEntry(Field.SSH_JUMP, new Change.Clear());
  }
}
