// Measures one Kafka-protocol server with librdkafka; figures.py runs it against several in turn.
//
//   figures CONF PID game SECONDS                     1,000 records/s of 15 kB over 10 topics x 5 partitions;
//                                                     end-to-end latency from the time each was due
//   figures CONF PID bulk PARTITIONS BYTES MEGABYTES  as fast as it goes, first written, then read
//
// CONF holds librdkafka properties, PID is the server's, for its CPU time. One line of JSON comes out.
#define _GNU_SOURCE
#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  GAME_TOPICS = 10, GAME_PARTITIONS = 5, GAME_RATE = 1000, GAME_BYTES = 15000, GAME_WARM_UP_S = 3,
  TOPICS_MAX = 16, RECORD_BYTES_MAX = 1000000, DEADLINE_MS = 30000, STALL_S = 30
};

static const char *conf_file, *server_pid;
static char prefix[64];
static char payload[RECORD_BYTES_MAX];

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "FAILED: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, "\n");
  exit(1);
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// CPU seconds that the server has used so far, in user and system mode.
static double server_cpu_s(void) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%s/stat", server_pid);
  FILE *file = fopen(path, "r");
  if (!file || !fgets(line, sizeof line, file)) fail("cannot read %s", path);
  fclose(file);
  char *state = strrchr(line, ')');
  unsigned long user = 0, system = 0;
  if (!state || sscanf(state + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    fail("%s is not as expected", path);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

// ---- librdkafka ----

static void set(rd_kafka_conf_t *conf, const char *key, const char *value) {
  char error[256];
  if (rd_kafka_conf_set(conf, key, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail("%s: %s", key, error);
}

static rd_kafka_conf_t *read_conf(void) {
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  FILE *file = fopen(conf_file, "r");
  if (!file) fail("cannot read %s", conf_file);
  char line[1024];
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\n")] = 0;
    char *value = strchr(line, '=');
    if (!value) continue;
    *value++ = 0;
    set(conf, line, value);
  }
  fclose(file);
  return conf;
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf) {
  char error[256];
  rd_kafka_t *made = rd_kafka_new(type, conf, error, sizeof error);
  if (!made) fail("client: %s", error);
  return made;
}

static volatile size_t acknowledged;

static void on_delivery(rd_kafka_t *producer, const rd_kafka_message_t *message, void *opaque) {
  (void)producer, (void)opaque;
  if (message->err) fail("produce: %s", rd_kafka_err2str(message->err));
  acknowledged++;
}

static rd_kafka_t *new_producer(void) {
  rd_kafka_conf_t *conf = read_conf();
  rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
  set(conf, "queue.buffering.max.messages", "500000");
  set(conf, "queue.buffering.max.kbytes", "200000");
  return client(RD_KAFKA_PRODUCER, conf);
}

static rd_kafka_t *new_consumer(int topics, int partitions) {
  rd_kafka_conf_t *conf = read_conf();
  set(conf, "group.id", prefix);
  set(conf, "enable.auto.commit", "false");
  rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, conf);
  rd_kafka_poll_set_consumer(consumer);
  rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(topics * partitions);
  for (int t = 0; t < topics; t++) {
    char topic[96];
    snprintf(topic, sizeof topic, "%s-%d", prefix, t);
    for (int p = 0; p < partitions; p++) rd_kafka_topic_partition_list_add(all, topic, p)->offset = 0;
  }
  rd_kafka_resp_err_t error = rd_kafka_assign(consumer, all);
  if (error) fail("assign: %s", rd_kafka_err2str(error));
  rd_kafka_topic_partition_list_destroy(all);
  return consumer;
}

static void offer(rd_kafka_t *producer, rd_kafka_topic_t *topic, int partition, size_t bytes) {
  while (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, payload, bytes, NULL, 0, NULL) == -1) {
    if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) fail("produce: %s", rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_poll(producer, 10);
  }
}

// ---- topics ----

// Creates or deletes the run's topics and expects each to succeed.
static void change_topics(int topics, int partitions, int create) {
  rd_kafka_t *admin = client(RD_KAFKA_PRODUCER, read_conf());
  rd_kafka_queue_t *queue = rd_kafka_queue_new(admin);
  rd_kafka_NewTopic_t *made[TOPICS_MAX];
  rd_kafka_DeleteTopic_t *gone[TOPICS_MAX];
  for (int t = 0; t < topics; t++) {
    char topic[96], error[256];
    snprintf(topic, sizeof topic, "%s-%d", prefix, t);
    if (create) made[t] = rd_kafka_NewTopic_new(topic, partitions, -1, error, sizeof error);
    else gone[t] = rd_kafka_DeleteTopic_new(topic);
  }
  if (create) rd_kafka_CreateTopics(admin, made, (size_t)topics, NULL, queue);
  else rd_kafka_DeleteTopics(admin, gone, (size_t)topics, NULL, queue);
  rd_kafka_event_t *event = rd_kafka_queue_poll(queue, DEADLINE_MS);
  if (!event || rd_kafka_event_error(event)) fail("topics: %s", event ? rd_kafka_event_error_string(event) : "no answer");
  size_t count;
  const rd_kafka_topic_result_t **results = create
      ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
      : rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &count);
  for (size_t i = 0; i < count; i++)
    if (rd_kafka_topic_result_error(results[i])) fail("topic: %s", rd_kafka_topic_result_error_string(results[i]));
  rd_kafka_event_destroy(event);
  if (create) rd_kafka_NewTopic_destroy_array(made, (size_t)topics);
  else rd_kafka_DeleteTopic_destroy_array(gone, (size_t)topics);
  rd_kafka_queue_destroy(queue);
  rd_kafka_destroy(admin);
}

// Waits until every partition of a topic has a leader.
static void await_leaders(rd_kafka_t *any, rd_kafka_topic_t *topic, int partitions) {
  double deadline = now_s() + DEADLINE_MS / 1e3;
  for (int ready = 0; ready < partitions;) {
    if (now_s() > deadline) fail("topic %s has no %d leaders", rd_kafka_topic_name(topic), partitions);
    const struct rd_kafka_metadata *metadata;
    ready = 0;
    if (rd_kafka_metadata(any, 0, topic, &metadata, DEADLINE_MS)) continue;
    for (int p = 0; p < metadata->topics[0].partition_cnt; p++) ready += metadata->topics[0].partitions[p].leader >= 0;
    rd_kafka_metadata_destroy(metadata);
    if (ready < partitions) usleep(50000);
  }
}

// ---- game ----

struct game {
  rd_kafka_t *consumer;
  double start_s;
  size_t expected, received, measured;
  double *latency_ms;
};

static void *game_reader(void *argument) {
  struct game *game = argument;
  double last = now_s();
  while (game->received < game->expected) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(game->consumer, 1000);
    double now = now_s(), due;
    if (now - last > STALL_S) fail("nothing delivered for %d s", STALL_S);
    if (!message) continue;
    if (message->err) fail("consume: %s", rd_kafka_message_errstr(message));
    memcpy(&due, message->payload, sizeof due);
    if (due >= game->start_s + GAME_WARM_UP_S) game->latency_ms[game->measured++] = (now - due) * 1e3;
    game->received++;
    last = now;
    rd_kafka_message_destroy(message);
  }
  return NULL;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

// Sends each record at its time, whatever became of those before it.
static void game_writer(struct game *game, rd_kafka_t *producer, rd_kafka_topic_t **topics) {
  for (size_t i = 0; i < game->expected; i++) {
    double due = game->start_s + (double)i / GAME_RATE;
    struct timespec until = {.tv_sec = (time_t)due, .tv_nsec = (long)((due - (double)(time_t)due) * 1e9)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    rd_kafka_poll(producer, 0);
    memcpy(payload, &due, sizeof due);
    size_t partition = i % (GAME_TOPICS * GAME_PARTITIONS);
    offer(producer, topics[partition % GAME_TOPICS], (int)(partition / GAME_TOPICS), GAME_BYTES);
  }
}

static void game(int seconds) {
  change_topics(GAME_TOPICS, GAME_PARTITIONS, 1);
  rd_kafka_t *producer = new_producer();
  rd_kafka_topic_t *topics[GAME_TOPICS];
  for (int t = 0; t < GAME_TOPICS; t++) {
    char topic[96];
    snprintf(topic, sizeof topic, "%s-%d", prefix, t);
    topics[t] = rd_kafka_topic_new(producer, topic, NULL);
    await_leaders(producer, topics[t], GAME_PARTITIONS);
  }
  struct game game = {.expected = (size_t)(seconds + GAME_WARM_UP_S) * GAME_RATE};
  game.latency_ms = calloc(game.expected, sizeof *game.latency_ms);
  game.consumer = new_consumer(GAME_TOPICS, GAME_PARTITIONS);
  game.start_s = now_s();
  double cpu = server_cpu_s();
  pthread_t reader;
  if (pthread_create(&reader, NULL, game_reader, &game)) fail("no thread");
  game_writer(&game, producer, topics);
  if (rd_kafka_flush(producer, DEADLINE_MS)) fail("not everything was acknowledged");
  pthread_join(reader, NULL);
  cpu = server_cpu_s() - cpu;
  qsort(game.latency_ms, game.measured, sizeof *game.latency_ms, ascending);
#define AT(share) game.latency_ms[(size_t)((double)(game.measured - 1) * (share))]
  printf("{\"p50_ms\": %.2f, \"p99_ms\": %.2f, \"p999_ms\": %.2f, \"max_ms\": %.2f, \"cpu_s_per_min\": %.2f}\n",
         AT(0.5), AT(0.99), AT(0.999), AT(1.0), cpu * 60 / (seconds + GAME_WARM_UP_S));
  for (int t = 0; t < GAME_TOPICS; t++) rd_kafka_topic_destroy(topics[t]);
  rd_kafka_consumer_close(game.consumer);
  rd_kafka_destroy(game.consumer);
  rd_kafka_destroy(producer);
  change_topics(GAME_TOPICS, 0, 0);
}

// ---- bulk ----

// Reads `records` and gives the longest gap between two deliveries.
static double drain(rd_kafka_t *consumer, size_t records) {
  double last = now_s(), longest = 0;
  for (size_t read = 0; read < records;) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 100);
    double now = now_s();
    if (now - last > STALL_S) fail("stalled for %d s after %zu of %zu records", STALL_S, read, records);
    if (!message) continue;
    if (message->err) fail("consume: %s", rd_kafka_message_errstr(message));
    if (now - last > longest) longest = now - last;
    last = now;
    read++;
    rd_kafka_message_destroy(message);
  }
  return longest;
}

static void bulk(int partitions, size_t bytes, size_t megabytes) {
  if (bytes < sizeof(double) || bytes > sizeof payload) fail("no records of %zu bytes", bytes);
  size_t records = megabytes * 1000000 / bytes;
  change_topics(1, partitions, 1);
  rd_kafka_t *producer = new_producer();
  char name[96];
  snprintf(name, sizeof name, "%s-0", prefix);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(producer, name, NULL);
  await_leaders(producer, topic, partitions);
  double start = now_s(), cpu = server_cpu_s();
  for (size_t i = 0; i < records; i++) {
    offer(producer, topic, (int)(i % (size_t)partitions), bytes);
    if (i % 64 == 0) rd_kafka_poll(producer, 0);
  }
  if (rd_kafka_flush(producer, 10 * DEADLINE_MS) || acknowledged != records) fail("not everything was acknowledged");
  double produced_s = now_s() - start, produced_cpu = server_cpu_s() - cpu;
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  start = now_s(), cpu = server_cpu_s();
  rd_kafka_t *consumer = new_consumer(1, partitions);
  double longest = drain(consumer, records);
  double consumed_s = now_s() - start, consumed_cpu = server_cpu_s() - cpu;
  rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
  change_topics(1, 0, 0);
  double mb = (double)megabytes;
  printf("{\"produce_mb_per_s\": %.1f, \"produce_cpu_s_per_gb\": %.2f, \"consume_mb_per_s\": %.1f, "
         "\"consume_cpu_s_per_gb\": %.2f, \"consume_gap_ms\": %.0f}\n",
         mb / produced_s, produced_cpu * 1e3 / mb, mb / consumed_s, consumed_cpu * 1e3 / mb, longest * 1e3);
}

int main(int argc, char **argv) {
  if (argc < 5) fail("usage: figures CONF PID game SECONDS | CONF PID bulk PARTITIONS BYTES MEGABYTES");
  conf_file = argv[1], server_pid = argv[2];
  snprintf(prefix, sizeof prefix, "figures-%d-%ld", getpid(), (long)time(NULL));
  uint64_t seed = 88172645463325252u;
  for (size_t i = 0; i < sizeof payload; i++) {
    seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
    payload[i] = (char)seed;
  }
  if (!strcmp(argv[3], "game")) game(atoi(argv[4]));
  else if (!strcmp(argv[3], "bulk") && argc == 7) bulk(atoi(argv[4]), strtoul(argv[5], NULL, 10), strtoul(argv[6], NULL, 10));
  else fail("unknown measurement %s", argv[3]);
  return 0;
}
