package com.kevra.scim.listener;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.rabbitmq.client.ConnectionFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SettingsTest {
    private static Settings settings(Map<String, String> options, Map<String, String> environment) {
        return Settings.of(options::get, environment::get);
    }

    @Test
    void withoutAUrlThereIsNothingToDo() {
        assertTrue(settings(Map.of(), Map.of()).isInert());
        assertTrue(settings(Map.of("url", " "), Map.of(Settings.URL, "")).isInert());
    }

    @Test
    void optionsWinOverTheFileAndTheFileOverTheEnvironment(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("url"), "amqp://file\n");
        Map<String, String> environment = Map.of(Settings.URL, "amqp://plain", Settings.URL_FILE, file.toString());
        assertEquals("amqp://option", settings(Map.of("url", "amqp://option"), environment).url());
        assertEquals("amqp://file", settings(Map.of(), environment).url());
        assertEquals("amqp://plain", settings(Map.of(), Map.of(Settings.URL, "amqp://plain")).url());
    }

    @Test
    void theFileIsReadAgainForEveryConnection(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("url");
        Settings settings = settings(Map.of(), Map.of(Settings.URL_FILE, file.toString()));
        assertFalse(settings.isInert());
        assertThrows(IOException.class, settings::url);
        Files.writeString(file, "amqp://one");
        assertEquals("amqp://one", settings.url());
        Files.writeString(file, "amqp://two");
        assertEquals("amqp://two", settings.url());
    }

    @Test
    void theRestHasDefaultsAndLimits() {
        Settings standard = settings(Map.of(), Map.of());
        assertEquals("kevra.realm-events", standard.exchange());
        assertEquals(10_000, standard.queueCapacity());
        assertEquals(Duration.ofSeconds(5), standard.confirmTimeout());
        Settings set = settings(
                Map.of("exchange", "mine", "queue-capacity", "7", "confirm-timeout-ms", "250"), Map.of());
        assertEquals("mine", set.exchange());
        assertEquals(7, set.queueCapacity());
        assertEquals(Duration.ofMillis(250), set.confirmTimeout());
        for (String wrong : new String[] {"0", "-1", "many", "99999999999"}) {
            assertEquals(10_000, settings(Map.of("queue-capacity", wrong), Map.of()).queueCapacity());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "amqp://jane:s3cr3t@", "amqp://jane:s3cr3t@my_host", "http://jane:s3cr3t@host", "jane:s3cr3t", "amqp://s3cr3t^host",
        "amqp://jane:s3cr3t@host/a/b", "amqp://jane:s3cr3t:x@host", "", "amqp://jane:s3cr3t%zz@host"})
    void noMessageRepeatsTheUrl(String url) {
        Throwable refusal = assertThrows(IOException.class, () -> AmqpBroker.apply(url, new ConnectionFactory()));
        assertFalse(refusal.getMessage().contains("s3cr3t"));
        assertEquals(null, refusal.getCause());
    }

    @Test
    void theUrlIsReadAsRabbitmqWritesIt() throws Exception {
        ConnectionFactory plain = new ConnectionFactory();
        AmqpBroker.apply("amqp://jane:a%40b@broker.example/my%2Fhost", plain);
        assertEquals("broker.example", plain.getHost());
        assertEquals(5672, plain.getPort());
        assertEquals("jane", plain.getUsername());
        assertEquals("a@b", plain.getPassword());
        assertEquals("my/host", plain.getVirtualHost());
        assertFalse(plain.isSSL());
        ConnectionFactory tls = new ConnectionFactory();
        AmqpBroker.apply("amqps://jane:x@broker.example", tls);
        assertEquals(5671, tls.getPort());
        assertTrue(tls.isSSL());
        AmqpBroker.apply("AMQPS://jane:x@[::1]:7000/", tls);
        assertEquals(7000, tls.getPort());
    }
}
