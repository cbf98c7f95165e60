package io.sluice.secrets;

import io.sluice.model.Field;

/**
 * Where a sealed secret belongs. It is authenticated together with the ciphertext, so that a row
 * copied to another field, data source or workspace does not open.
 *
 * @param workspace the workspace's id
 * @param dataSourceId the data source's id in that workspace
 * @param field the field's name in the native API
 */
public record SecretAddress(String workspace, String dataSourceId, String field) {

  public static SecretAddress of(String workspace, String dataSourceId, Field field) {
    return new SecretAddress(workspace, dataSourceId, field.wireName());
  }
}
