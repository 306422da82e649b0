/* The CLAP plug-in. */
#include "vendor/clap/entry.h"
#include "vendor/clap/ext/audio-ports.h"
#include "vendor/clap/ext/latency.h"
#include "vendor/clap/ext/note-ports.h"
#include "vendor/clap/ext/params.h"
#include "vendor/clap/ext/state.h"
#include "vendor/clap/plugin-factory.h"
#include "vendor/clap/plugin.h"
#include "generated.h"
#include "lk.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* two extensions whose headers are not among the vendored ones */
typedef struct { bool(CLAP_ABI *has_hard_realtime_requirement)(const clap_plugin_t *); bool(CLAP_ABI *set)(const clap_plugin_t *, int32_t mode); } render_extension;
typedef struct { uint32_t(CLAP_ABI *get)(const clap_plugin_t *); } tail_extension;

typedef struct { clap_plugin_t plugin; const clap_host_t *host; lk *k; double rate; } instance;
static instance *of(const clap_plugin_t *p) { return p->plugin_data; }
static void text(char *to, size_t room, const char *from) { snprintf(to, room, "%s", from); }
static int place_of(clap_id id) {
    for (int p = 0; p < LK_PARAMETERS; p++) if (LK_PARAMETER[p].id == id) return p;
    return -1;
}

/* -- ports */
static uint32_t audio_count(const clap_plugin_t *p, bool in) { (void)p; return in ? 0 : 1; }
static bool audio_get(const clap_plugin_t *p, uint32_t i, bool in, clap_audio_port_info_t *o) {
    (void)p;
    if (in || i) return false;
    *o = (clap_audio_port_info_t){.flags = CLAP_AUDIO_PORT_IS_MAIN, .channel_count = 2, .port_type = CLAP_PORT_STEREO, .in_place_pair = CLAP_INVALID_ID};
    text(o->name, sizeof o->name, "out");
    return true;
}
static const clap_plugin_audio_ports_t AUDIO_PORTS = {audio_count, audio_get};
static uint32_t note_count(const clap_plugin_t *p, bool in) { (void)p; (void)in; return 1; }
static bool note_get(const clap_plugin_t *p, uint32_t i, bool in, clap_note_port_info_t *o) {
    (void)p;
    if (i) return false;
    *o = (clap_note_port_info_t){.id = in ? 0 : 1, .supported_dialects = CLAP_NOTE_DIALECT_CLAP, .preferred_dialect = CLAP_NOTE_DIALECT_CLAP};
    if (in) o->supported_dialects |= CLAP_NOTE_DIALECT_MIDI | CLAP_NOTE_DIALECT_MIDI_MPE;
    text(o->name, sizeof o->name, in ? "notes" : "partner");
    return true;
}
static const clap_plugin_note_ports_t NOTE_PORTS = {note_count, note_get};
static uint32_t latency_get(const clap_plugin_t *p) { (void)p; return 0; }
static const clap_plugin_latency_t LATENCY = {latency_get};
static uint32_t tail_get(const clap_plugin_t *p) { return (uint32_t)(of(p)->rate * lk_tail_seconds()); }
static const tail_extension TAIL = {tail_get};

/* -- events */
static int seven_bits(double share) { return share >= 0 ? share <= 1 ? (int)lrint(share * 127) : 127 : 0; }
static void take_tempo(lk *k, int at, const clap_event_transport_t *t) { if (t && t->flags & CLAP_TRANSPORT_HAS_TEMPO) lk_tempo(k, at, t->tempo); }
static void take_transport(instance *i, const clap_event_transport_t *t) {
    const uint32_t both = CLAP_TRANSPORT_HAS_SECONDS_TIMELINE | CLAP_TRANSPORT_IS_PLAYING;
    if (!t) return;
    lk_transport(i->k, (t->flags & both) == both, llrint((double)t->song_pos_seconds / CLAP_SECTIME_FACTOR * i->rate));
    take_tempo(i->k, 0, t);
    const uint32_t beats = CLAP_TRANSPORT_HAS_BEATS_TIMELINE | CLAP_TRANSPORT_HAS_TEMPO | CLAP_TRANSPORT_IS_PLAYING;
    if ((t->flags & beats) != beats) return;
    double bar = t->flags & CLAP_TRANSPORT_HAS_TIME_SIGNATURE && t->tsig_denom ? 4.0 * t->tsig_num / t->tsig_denom : 0;
    lk_beats(i->k, (double)t->song_pos_beats / CLAP_BEATTIME_FACTOR, t->tempo, (double)t->bar_start / CLAP_BEATTIME_FACTOR, bar);
}
static void one_event(lk *k, const clap_event_header_t *h) {
    if (h->space_id != CLAP_CORE_EVENT_SPACE_ID) return;
    int at = h->time > 1 << 24 ? 1 << 24 : (int)h->time;
    switch (h->type) {
    case CLAP_EVENT_NOTE_ON: case CLAP_EVENT_NOTE_OFF: case CLAP_EVENT_NOTE_CHOKE: {
        const clap_event_note_t *n = (const void *)h;
        if (h->type == CLAP_EVENT_NOTE_ON) {
            int velocity = seven_bits(n->velocity);
            if (n->key >= 0 && n->key < 128) lk_message(k, at, 0x90 | (n->channel < 0 ? 0 : n->channel & 15), n->key, velocity ? velocity : 1);
            return;
        }
        int all = h->type == CLAP_EVENT_NOTE_CHOKE ? 120 : 123;
        for (int c = 0; c < 16; c++) {
            if (n->channel >= 0 && (n->channel & 15) != c) continue;
            if (n->key < 0) lk_message(k, at, 0xB0 | c, all, 0);
            else if (n->key < 128) lk_message(k, at, 0x80 | c, n->key, 64);
        }
        return; }
    case CLAP_EVENT_NOTE_EXPRESSION: {
        const clap_event_note_expression_t *e = (const void *)h;
        int c = e->channel < 0 ? 0 : e->channel & 15;
        if (e->key < 0 || e->key > 127) return;
        switch (e->expression_id) {
        case CLAP_NOTE_EXPRESSION_TUNING: lk_express(k, at, LK_TUNING, c, e->key, e->value); return;
        case CLAP_NOTE_EXPRESSION_VOLUME: lk_express(k, at, LK_VOLUME, c, e->key, e->value); return;
        case CLAP_NOTE_EXPRESSION_PAN: lk_express(k, at, LK_PAN, c, e->key, 2 * e->value - 1); return;
        case CLAP_NOTE_EXPRESSION_BRIGHTNESS: lk_express(k, at, LK_BRIGHTNESS, c, e->key, 2 * e->value - 1); return;
        case CLAP_NOTE_EXPRESSION_PRESSURE: lk_message(k, at, 0xA0 | c, e->key, seven_bits(e->value)); return;
        default: return;
        } }
    case CLAP_EVENT_TRANSPORT: take_tempo(k, at, (const void *)h); return;
    case CLAP_EVENT_PARAM_VALUE: {
        const clap_event_param_value_t *v = (const void *)h;
        int p = place_of(v->param_id);
        if (p >= 0) lk_set(k, at, p, LK_PARAMETER[p].steps ? v->value / LK_PARAMETER[p].steps : v->value);
        return; }
    case CLAP_EVENT_MIDI: {
        const clap_event_midi_t *m = (const void *)h;
        lk_message(k, at, m->data[0], m->data[1], m->data[2]);
        return; }
    default: return;
    }
}
static void take(lk *k, const clap_input_events_t *in) {
    for (uint32_t i = 0, n = in ? in->size(in) : 0; i < n; i++) {
        const clap_event_header_t *h = in->get(in, i);
        if (h) one_event(k, h);
    }
}
static void give(lk *k, const clap_output_events_t *to) { /* the partner's notes */
    unsigned char data[3];
    for (int i = 0, at; to && lk_out(k, i, &at, data); i++) {
        uint16_t kind = data[0] >> 4 == 9 && data[2] ? CLAP_EVENT_NOTE_ON : CLAP_EVENT_NOTE_OFF;
        clap_event_note_t note = {{sizeof note, (uint32_t)at, CLAP_CORE_EVENT_SPACE_ID, kind, 0}, -1, 0, data[0] & 15, data[1], data[2] / 127.0};
        if (data[0] >> 4 == 8 || data[0] >> 4 == 9) to->try_push(to, &note.header);
    }
}
static clap_process_status process(const clap_plugin_t *p, const clap_process_t *b) {
    lk *k = of(p)->k;
    if (!b->audio_outputs_count || !b->audio_outputs || b->audio_outputs[0].channel_count < 2 || !b->audio_outputs[0].data32) return CLAP_PROCESS_ERROR;
    float **out = b->audio_outputs[0].data32;
    lk_begin_block(k, out[0], out[1], (int)b->frames_count);
    take_transport(of(p), b->transport);
    if (lk_listen(k)) { take(k, b->in_events); lk_heard(k); }
    take(k, b->in_events);
    lk_end_block(k);
    give(k, b->out_events);
    b->audio_outputs[0].constant_mask = 0;
    return lk_is_sounding(k) ? CLAP_PROCESS_CONTINUE : CLAP_PROCESS_CONTINUE_IF_NOT_QUIET;
}

/* -- parameters: stepped ones in steps, the others 0 to 1 */
static uint32_t params_count(const clap_plugin_t *p) { (void)p; return LK_PARAMETERS; }
static bool params_info(const clap_plugin_t *plugin, uint32_t p, clap_param_info_t *o) {
    (void)plugin;
    if (p >= LK_PARAMETERS) return false;
    int steps = LK_PARAMETER[p].steps;
    double scale = steps ? steps : 1;
    uint32_t flags = p == LK_AT_STATUS ? CLAP_PARAM_IS_READONLY : CLAP_PARAM_IS_AUTOMATABLE;
    if (steps) flags |= CLAP_PARAM_IS_STEPPED;
    if (p == LK_AT_BYPASS) flags |= CLAP_PARAM_IS_BYPASS;
    *o = (clap_param_info_t){.id = LK_PARAMETER[p].id, .flags = flags, .max_value = scale, .default_value = scale * LK_PARAMETER[p].normal};
    text(o->name, sizeof o->name, LK_PARAMETER[p].name);
    return true;
}
static bool params_value(const clap_plugin_t *plugin, clap_id id, double *v) {
    int p = place_of(id);
    if (p < 0) return false;
    *v = lk_get(of(plugin)->k, p) * (LK_PARAMETER[p].steps ? LK_PARAMETER[p].steps : 1);
    return true;
}
static bool params_to_text(const clap_plugin_t *plugin, clap_id id, double v, char *to, uint32_t room) {
    int p = place_of(id);
    char name[256];
    if (p < 0 || !room) return false;
    lk_text(of(plugin)->k, p, LK_PARAMETER[p].steps ? v / LK_PARAMETER[p].steps : v, name, sizeof name);
    const char *unit = strpbrk(name, "0123456789") ? LK_PARAMETER[p].unit : ""; /* "no map" has none */
    snprintf(to, room, "%s%s%s", name, *unit ? " " : "", unit);
    return true;
}
static bool params_to_value(const clap_plugin_t *plugin, clap_id id, const char *t, double *v) {
    int p = place_of(id);
    if (p < 0 || !lk_from_text(of(plugin)->k, p, t, v)) return false;
    if (LK_PARAMETER[p].steps) *v = rint(*v * LK_PARAMETER[p].steps);
    return true;
}
static void params_flush(const clap_plugin_t *p, const clap_input_events_t *in, const clap_output_events_t *o) { (void)o; take(of(p)->k, in); }
static const clap_plugin_params_t PARAMS = {params_count, params_info, params_value, params_to_text, params_to_value, params_flush};

/* -- state */
static bool state_save(const clap_plugin_t *p, const clap_ostream_t *s) {
    size_t n = 0, done = 0;
    char *chunk = lk_save(of(p)->k, &n);
    for (int64_t w; chunk && done < n && (w = s->write(s, chunk + done, n - done)) > 0;) done += (size_t)w;
    free(chunk);
    return n && done == n;
}
static bool state_load(const clap_plugin_t *p, const clap_istream_t *s) {
    size_t n = 0, room = 1 << 16;
    char *chunk = malloc(room);
    for (int64_t r; chunk && room <= 1 << 23 && (r = s->read(s, chunk + n, room - n)) > 0;)
        if ((n += (size_t)r) == room) {
            char *more = realloc(chunk, room *= 2);
            if (!more) free(chunk);
            chunk = more;
        }
    bool ok = chunk && lk_load(of(p)->k, chunk, n);
    free(chunk);
    return ok;
}
static const clap_plugin_state_t STATE = {state_save, state_load};
static bool has_hard_realtime(const clap_plugin_t *p) { (void)p; return false; }
static bool set_mode(const clap_plugin_t *p, int32_t mode) { lk_offline(of(p)->k, mode == 1); return true; }
static const render_extension RENDER = {has_hard_realtime, set_mode};

/* -- the plug-in */
static void on_change(void *self) {
    const clap_host_t *host = ((instance *)self)->host;
    if (host->request_process) host->request_process(host); /* it may sleep, and a page plays */
    if (host->request_callback) host->request_callback(host);
}
static void on_main_thread(const clap_plugin_t *p) {
    int changed = lk_changed(of(p)->k);
    const clap_host_t *host = of(p)->host;
    if (!(changed & 3) || !host->get_extension) return;
    const clap_host_params_t *params = host->get_extension(host, CLAP_EXT_PARAMS);
    const clap_host_state_t *state = host->get_extension(host, CLAP_EXT_STATE);
    if (params && params->rescan) params->rescan(host, CLAP_PARAM_RESCAN_VALUES | CLAP_PARAM_RESCAN_TEXT);
    if (changed & 2 && state && state->mark_dirty) state->mark_dirty(host);
}
static bool init(const clap_plugin_t *p) { lk_on_change(of(p)->k, on_change, of(p)); return true; }
static void destroy(const clap_plugin_t *p) { lk_free(of(p)->k); free(of(p)); }
static bool activate(const clap_plugin_t *p, double rate, uint32_t lo, uint32_t hi) { (void)lo; (void)hi; of(p)->rate = rate; return lk_activate(of(p)->k, rate); }
static void deactivate(const clap_plugin_t *p) { lk_deactivate(of(p)->k); }
static bool start(const clap_plugin_t *p) { lk_reset(of(p)->k); return true; }
static void stop(const clap_plugin_t *p) { (void)p; }
static void reset(const clap_plugin_t *p) { lk_reset(of(p)->k); }
static const void *extension(const clap_plugin_t *p, const char *id) {
    (void)p;
    if (!strcmp(id, CLAP_EXT_AUDIO_PORTS)) return &AUDIO_PORTS;
    if (!strcmp(id, CLAP_EXT_NOTE_PORTS)) return &NOTE_PORTS;
    if (!strcmp(id, CLAP_EXT_LATENCY)) return &LATENCY;
    if (!strcmp(id, CLAP_EXT_PARAMS)) return &PARAMS;
    if (!strcmp(id, CLAP_EXT_STATE)) return &STATE;
    if (!strcmp(id, "clap.render")) return &RENDER;
    if (!strcmp(id, "clap.tail")) return &TAIL;
    return NULL;
}
static const char *FEATURES[] = {CLAP_PLUGIN_FEATURE_INSTRUMENT, CLAP_PLUGIN_FEATURE_SYNTHESIZER, CLAP_PLUGIN_FEATURE_STEREO, NULL};
static const clap_plugin_descriptor_t DESCRIPTOR = {CLAP_VERSION_INIT, "org.latentkeys.latentkeys", "latentkeys", "latentkeys", "", "", "", LK_VERSION, "A neural instrument", FEATURES};
static uint32_t factory_count(const clap_plugin_factory_t *f) { (void)f; return 1; }
static const clap_plugin_descriptor_t *factory_get(const clap_plugin_factory_t *f, uint32_t i) { (void)f; return i ? NULL : &DESCRIPTOR; }
static const clap_plugin_t *factory_create(const clap_plugin_factory_t *f, const clap_host_t *host, const char *id) {
    (void)f;
    if (!host || !clap_version_is_compatible(host->clap_version) || strcmp(id, DESCRIPTOR.id)) return NULL;
    instance *i = calloc(1, sizeof *i);
    if (!i || !(i->k = lk_new())) { free(i); return NULL; }
    i->host = host;
    i->rate = 48000;
    i->plugin = (clap_plugin_t){&DESCRIPTOR, i, init, destroy, activate, deactivate, start, stop, reset, process, extension, on_main_thread};
    return &i->plugin;
}
static const clap_plugin_factory_t FACTORY = {factory_count, factory_get, factory_create};
static bool entry_init(const char *path) { (void)path; return true; }
static void entry_deinit(void) {}
static const void *entry_factory(const char *id) { return strcmp(id, CLAP_PLUGIN_FACTORY_ID) ? NULL : &FACTORY; }
CLAP_EXPORT const clap_plugin_entry_t clap_entry = {CLAP_VERSION_INIT, entry_init, entry_deinit, entry_factory};
