package io.sluice.drivers;

import java.util.List;

/**
 * One database of the catalogue, as its file in {@code config/drivers} describes it.
 *
 * @param id the canonical id, which is also the file's name
 * @param aliases other names that the native API accepts
 * @param zohoDatabaseTypes the values of Zoho's {@code databaseType} that this driver serves
 * @param defaultPort used where a sender names none
 */
public record Driver(
    String id, List<String> aliases, List<String> zohoDatabaseTypes, int defaultPort) {}
