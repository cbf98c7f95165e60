package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.model.Refusal;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Secret;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.model.ZohoError;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The CONFIG of the Zoho-compatible API: its keys, and the code for each thing wrong with it. */
class ZohoConfigTest {
  private static final String CANARY = "c4n4ryValue";
  private static final String RDS =
      "'serviceName':'AMAZON RDS','databaseType':'MYSQL','hostName':'db','userName':'u'";

  private static DecodeRoute route;

  @BeforeAll
  static void start() throws Exception {
    route = new DecodeRoute();
  }

  @AfterAll
  static void stop() {
    route.close();
  }

  private static Encoded config(String members) {
    return DecodeRoute.config("{" + members.replace('\'', '"') + "}");
  }

  @Test
  void theKeysOfTheServicesBecomeOptions() {
    Update snowflake =
        route.update(
            config(
                "'serviceName':'Snowflake','hostName':'acct','userName':'u','warehouseName':'W',"
                    + "'schemaName':'S','catalogName':'C'"));
    assertThat(snowflake.text(Field.DRIVER)).contains("snowflake");
    assertThat(snowflake.options())
        .containsEntry("warehouse", new Change.Set("W"))
        .containsEntry("schema", new Change.Set("S"))
        .containsEntry("catalog", new Change.Set("C"));

    assertThat(
            route
                .update(
                    config("'serviceName':'SNOWFLAKE','hostName':'my_org-my_acct','userName':'u'"))
                .text(Field.HOST))
        .contains("my-org-my-acct");

    assertThat(
            route
                .update(DecodeRoute.json("{\"driver\":\"snowflake\",\"host\":\"MY_ORG-a_b\"}"))
                .text(Field.HOST))
        .contains("MY-ORG-a-b");

    Update athena =
        route.update(
            config(
                "'serviceName':'AMAZON ATHENA','hostName':'eu-west-1','userName':'AKIA',"
                    + "'s3OutputLocation':'s3://b/p','workgroupName':'g','dataLocation':'d',"
                    + "'httpPath':'/sql'"));
    assertThat(athena.text(Field.HOST)).contains("eu-west-1");
    assertThat(athena.options())
        .containsEntry("s3OutputLocation", new Change.Set("s3://b/p"))
        .containsEntry("workgroup", new Change.Set("g"))
        .containsEntry("dataLocation", new Change.Set("d"))
        .containsEntry("httpPath", new Change.Set("/sql"));

    Update oracle =
        route.update(
            config(
                "'serviceName':'ORACLE CLOUD','databaseType':'oracle','hostName':'o',"
                    + "'userName':'u','sId':'ORCL','instanceName':'I'"));
    assertThat(oracle.options())
        .containsEntry("serviceName", new Change.Set("ORCL"))
        .containsEntry("instanceName", new Change.Set("I"));

    Update bigQuery =
        route.update(
            config(
                "'serviceName':'GOOGLE BIG QUERY','hostName':'bq','userName':'u','projectId':'p',"
                    + "'refreshToken':'r','accessToken':'a'"));
    assertThat(bigQuery.options()).containsEntry("projectId", new Change.Set("p"));
    assertThat(bigQuery.changes())
        .containsEntry(Field.REFRESH_TOKEN, new Change.Replace(Secret.of("r")))
        .containsEntry(Field.ACCESS_TOKEN, new Change.Replace(Secret.of("a")));
  }

  @Test
  void aPasswordThatIsLeftOutIsKept() {
    assertThat(route.update(config(RDS)).changes()).doesNotContainKey(Field.PASSWORD);
    assertThat(route.update(config(RDS + ",'password':'********'")).changes())
        .doesNotContainKey(Field.PASSWORD);
  }

  @Test
  void withoutItsMasterSwitchTheTunnelIsIgnored() {
    String tunnel = ",'sshTunnelHost':'h','sshTunnelPassword':'p','sshTunnelAuthType':'0'";
    assertThat(route.update(config(RDS + tunnel)).changes())
        .doesNotContainKeys(Field.SSH, Field.SSH_HOST, Field.SSH_PASSWORD);
    assertThat(route.update(config(RDS + tunnel + ",'useSSH':false")).changes())
        .containsEntry(Field.SSH, new Change.Set(false))
        .doesNotContainKeys(Field.SSH_HOST, Field.SSH_TUNNELING);
  }

  @Test
  void eachWayIntoTheTunnelClearsTheOther() {
    String tunnel = RDS + ",'useSSH':true,'sshTunnelHost':'h','sshTunnelPassword':'p'";
    assertThat(route.update(config(tunnel + ",'sshTunnelAuthType':0")).changes())
        .containsEntry(Field.SSH_PASSWORD, new Change.Replace(Secret.of("p")))
        .containsEntry(Field.SSH_IDENTITY, new Change.Clear());
    assertThat(route.update(config(tunnel + ",'sshTunnelAuthType':'1'")).changes())
        .containsEntry(Field.SSH_IDENTITY, new Change.Replace(Secret.of("p")))
        .containsEntry(Field.SSH_PASSWORD, new Change.Clear());
    assertThat(route.update(config(tunnel)))
        .isEqualTo(route.update(config(tunnel + ",'sshTunnelAuthType':0")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "|8077|CONFIG",
        "'serviceName':''|8078|serviceName",
        "'serviceName':null|8078|serviceName",
        "'serviceName':'AMAZON RDS','databaseType':''|8078|databaseType",
        "'serviceName':'AMAZON RDS','databaseType':'MYSQL','userName':'u','hostName':''|8078|hostName",
        "'serviceName':'AMAZON RDS','databaseType':'MYSQL','hostName':'h','userName':null|8078|userName",
        "'hostName':'h'|8079|serviceName",
        "'serviceName':'AMAZON RDS','hostName':'h','userName':'u'|8079|databaseType",
        "'serviceName':'SNOWFLAKE','userName':'u'|8079|hostName",
        "'serviceName':'SNOWFLAKE','hostName':'h'|8079|userName",
        "RDS,'c4n4ryKey':'c4n4ryValue'|8080|c4n4ryKey",
        "RDS,'port':'c4n4ryValue'|8516|port",
        "RDS,'port':70000|8516|port",
        "RDS,'port':3306.5|8516|port",
        "RDS,'password':5|8516|password",
        "RDS,'password':['c4n4ryValue']|8516|password",
        "RDS,'useSSL':'c4n4ryValue'|8516|useSSL",
        "RDS,'useSSL':1|8516|useSSL",
        "RDS,'useSSH':'yes'|8516|useSSH",
        "RDS,'useSSH':true,'sshTunnelAuthType':2|8516|sshTunnelAuthType",
        "RDS,'useSSH':true,'sshTunnelHost':'c4n4ryValue:22'|18011|sshTunnelHost",
        "'serviceName':5|8516|serviceName",
        "'serviceName':'SNOWFLAKE','hostName':'c4n4ryValue:1','userName':'u'|18011|hostName",
        "RDS,'s3OutputLocation':'https://c4n4ryValue'|18042|s3OutputLocation",
        "'serviceName':'AMAZON RDS','databaseType':'SNOWFLAKE','hostName':'h','userName':'u'|18055|databaseType",
        "'serviceName':'AMAZON RDS','databaseType':'DB2','hostName':'h','userName':'u'|18055|databaseType",
        "'serviceName':'LOCAL DATABASE','databaseType':'JDBC CONNECTION','hostName':'h','userName':'u'|18055|databaseType",
        "'serviceName':'c4n4ryValue','hostName':'h','userName':'u'|18057|serviceName"
      })
  void everyMistakeHasItsCode(String members, int code, String key) {
    Refusal refusal =
        route.refusal(config(members == null ? "" : members.replace("RDS,", RDS + ",")));
    assertThat(ZohoError.of(refusal).code()).isEqualTo(code);
    assertThat(refusal.errors()).extracting(FieldError::field).first().isEqualTo(key);
    assertThat(refusal.errors().get(0).message()).contains(key);
    assertThat(refusal.errors().toString() + refusal.getMessage()).doesNotContain(CANARY);
  }

  @Test
  void aTooLongValueHasItsCode() {
    for (String key : List.of("password", "cloudDatabaseName", "instanceName")) {
      Refusal refusal = route.refusal(config(RDS + ",'" + key + "':'" + "x".repeat(5000) + "'"));
      assertThat(ZohoError.of(refusal)).isEqualTo(ZohoError.MORE_THAN_MAX_LENGTH);
    }
  }

  @Test
  void whatIsNotAJsonObjectHasItsCode() {
    for (String text : List.of("", "[]", "\"x\"", "{", "{'a':1}", "{} x", "serviceName=x")) {
      assertThat(ZohoError.of(route.refusal(DecodeRoute.config(text))))
          .isEqualTo(ZohoError.INVALID_JSON_CONFIGURATION);
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyServiceIsFoundInAnyCaseAndFitsItsOwnTypes(ZohoService service) {
    assertThat(ZohoService.named(service.wireName().toLowerCase(Locale.ROOT))).contains(service);
    assertThat(service.databaseTypes()).isNotEmpty().allMatch(service::fits);
  }
}
