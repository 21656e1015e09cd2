package com.kevra.scim.listener;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;
import org.jboss.logging.Logger;

/**
 * What an operator may set. Nothing here can keep Keycloak from starting: a wrong value is named in the log and its
 * default taken. The broker's URL holds a password, so no method, message or {@code toString} gives it away.
 */
final class Settings {
    static final String URL = "KEVRA_EVENTS_AMQP_URL";
    static final String URL_FILE = "KEVRA_EVENTS_AMQP_URL_FILE";
    private static final Logger LOG = Logger.getLogger(Settings.class);

    private final String url;
    private final Path urlFile;
    private final String exchange;
    private final int queueCapacity;
    private final Duration confirmTimeout;

    private Settings(String url, Path urlFile, String exchange, int queueCapacity, Duration confirmTimeout) {
        this.url = url;
        this.urlFile = urlFile;
        this.exchange = exchange;
        this.queueCapacity = queueCapacity;
        this.confirmTimeout = confirmTimeout;
    }

    /** Keycloak's options win over the environment; there, the file wins over the URL itself. */
    static Settings of(UnaryOperator<String> options, UnaryOperator<String> environment) {
        String url = filled(options.apply("url"));
        String file = url == null ? filled(environment.apply(URL_FILE)) : null;
        if (url == null && file == null) {
            url = filled(environment.apply(URL));
        }
        String exchange = filled(options.apply("exchange"));
        return new Settings(
                url,
                file == null ? null : Path.of(file),
                exchange == null ? "kevra.realm-events" : exchange,
                number(options, "queue-capacity", 10_000, 1_000_000),
                Duration.ofMillis(number(options, "confirm-timeout-ms", 5_000, 600_000)));
    }

    private static String filled(String text) {
        return text == null || text.isBlank() ? null : text.strip();
    }

    private static int number(UnaryOperator<String> options, String name, int standard, int most) {
        String text = filled(options.apply(name));
        if (text == null) {
            return standard;
        }
        try {
            int number = Integer.parseInt(text);
            if (number >= 1 && number <= most) {
                return number;
            }
        } catch (NumberFormatException notANumber) {
            // Said below, like a number out of range.
        }
        LOG.warnf("The option %s must be a whole number from 1 to %d; %d is used", name, most, standard);
        return standard;
    }

    boolean isInert() {
        return url == null && urlFile == null;
    }

    /** Read anew for every connection, so that a rotated password needs no restart. */
    String url() throws IOException {
        if (urlFile == null) {
            return url;
        }
        return Files.readString(urlFile).strip();
    }

    String exchange() {
        return exchange;
    }

    int queueCapacity() {
        return queueCapacity;
    }

    Duration confirmTimeout() {
        return confirmTimeout;
    }
}
