package io.sluice.decode;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Field;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The published samples, and one update in every encoding. */
class SameUpdateTest {
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
  void jsonXmlAndFormGiveTheSameUpdate() {
    Update update =
        route.update(
            DecodeRoute.json(
                "{\"driver\":\"postgre\",\"host\":\"db.example\",\"port\":5432,\"ssl\":true,"
                    + "\"options\":{\"schema\":\"app\"}}"));
    assertThat(update.text(Field.DRIVER)).contains("postgresql");
    assertThat(update.changes()).containsEntry(Field.PORT, new Change.Set(5432));
    assertThat(
            route.update(
                DecodeRoute.xml(
                    "<?xml version=\"1.0\" encoding=\"utf-8\"?><any><driver>postgre</driver>\n"
                        + "<host>db.example</host><port>5432</port><ssl>true</ssl>"
                        + "<options><schema>app</schema></options></any>")))
        .isEqualTo(update);
    assertThat(
            route.update(
                DecodeRoute.form(
                    "driver=postgre&host=db.example&port=5432&ssl=true&options.schema=app")))
        .isEqualTo(update);
  }
}
