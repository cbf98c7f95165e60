/**
 * How Sluice starts: settings are read and checked, the embedded servers of the development profile
 * are started where they are needed, and the beans that the routes name are made.
 */
package io.sluice.start;
