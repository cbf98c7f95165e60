package io.sluice.rig;

import io.sluice.model.Secret;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One login of a target. User and database have the same name, so that a mixture of two settings
 * shows.
 */
record Account(String driver, String host, int port, String name, Secret password) {
  /** No settings with such a user ever pass their test. */
  static final String NEVER = "never";

  Map<String, Object> settings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    settings.put("driver", driver);
    settings.put("host", host);
    settings.put("port", port);
    settings.put("database", name);
    settings.put("username", name);
    settings.put("password", password.reveal());
    return settings;
  }
}
