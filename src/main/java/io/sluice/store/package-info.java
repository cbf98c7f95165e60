/**
 * What is kept, in PostgreSQL: every statement is a file in {@code config/sql}, run by {@code
 * routes/50-store} through camel-jdbc; this package binds its parameters and reads its rows.
 */
package io.sluice.store;
