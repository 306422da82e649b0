/* The VST3 plug-in, from a plain description of its interfaces in C: one object with five of them. */
typedef struct v3_event_handler v3_event_handler; /* the description means C++ here */
typedef struct v3_timer_handler v3_timer_handler;
#include "vendor/travesty/audio_processor.h"
#include "vendor/travesty/component.h"
#include "vendor/travesty/edit_controller.h"
#include "vendor/travesty/factory.h"
#include "generated.h"
#include "lk.h"
#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif
/* Units and programs: the description above does not have them. */
struct v3_unit { int32_t id, parent; v3_str_128 name; int32_t list; };
struct v3_program_list { int32_t id; v3_str_128 name; int32_t count; };
struct v3_unit_info {
    struct v3_funknown;
    int32_t (V3_API *unit_count)(void *);
    v3_result (V3_API *get_unit)(void *, int32_t, struct v3_unit *);
    int32_t (V3_API *list_count)(void *);
    v3_result (V3_API *get_list)(void *, int32_t, struct v3_program_list *);
    v3_result (V3_API *get_name)(void *, int32_t, int32_t, int16_t *);
    v3_result (V3_API *get_attribute)(void *, int32_t, int32_t, const char *, int16_t *);
    v3_result (V3_API *has_pitch_names)(void *, int32_t, int32_t);
    v3_result (V3_API *get_pitch_name)(void *, int32_t, int32_t, int16_t, int16_t *);
    int32_t (V3_API *selected)(void *);
    v3_result (V3_API *select)(void *, int32_t);
    v3_result (V3_API *unit_of_bus)(void *, int32_t, int32_t, int32_t, int32_t, int32_t *);
    v3_result (V3_API *set_program_data)(void *, int32_t, int32_t, struct v3_bstream **);
};
static const v3_tuid UNIT_INFO_IID = V3_ID(0x3D4BD6B5, 0x913A4FD2, 0xA886E768, 0xA5EB92C1);
enum { PROGRAMS = 128, LIST = 1 };
enum { FIRST_CONTROL = 1000, PER_CHANNEL = 130, PRESSURE = 128, BEND = 129, ALL = LK_PARAMETERS + 16 * PER_CHANNEL };
static const v3_tuid CID = V3_ID(0x6C61746E, 0x746B6579, 0x73000000, 0x00000001);

typedef struct {
    const struct v3_component *component;
    const struct v3_audio_processor *processor;
    const struct v3_edit_controller *controller;
    const struct v3_midi_mapping *mapping;
    const struct v3_process_context_requirements *requirements;
    const struct v3_unit_info *units;
    atomic_uint references;
    struct v3_component_handler **handler;
    lk *k;
    double rate;
    int is_active, is_offline;
} plug;
#define OF(interface, self) ((plug *)((char *)(self) - offsetof(plug, interface)))

static void wide(int16_t *to, const char *text) { /* the texts are ours; what is not ASCII shows as "?" */
    int i = 0;
    for (; text[i] && i < 127; i++) to[i] = (unsigned char)text[i] < 128 ? text[i] : '?';
    to[i] = 0;
}
static int place_of(v3_param_id id) {
    for (int p = 0; p < LK_PARAMETERS; p++) if (LK_PARAMETER[p].id == id) return p;
    return -1;
}
static int is_control(v3_param_id id) { return id >= FIRST_CONTROL && id < FIRST_CONTROL + 16 * PER_CHANNEL; }

/* -- what every interface has */
static v3_result query(plug *p, const v3_tuid iid, void **to) {
    *to = NULL;
    if (v3_tuid_match(iid, v3_funknown_iid) || v3_tuid_match(iid, v3_plugin_base_iid) || v3_tuid_match(iid, v3_component_iid)) *to = &p->component;
    else if (v3_tuid_match(iid, v3_audio_processor_iid)) *to = &p->processor;
    else if (v3_tuid_match(iid, v3_edit_controller_iid)) *to = &p->controller;
    else if (v3_tuid_match(iid, v3_midi_mapping_iid)) *to = &p->mapping;
    else if (v3_tuid_match(iid, v3_process_context_requirements_iid)) *to = &p->requirements;
    else if (v3_tuid_match(iid, UNIT_INFO_IID)) *to = &p->units;
    else return V3_NO_INTERFACE;
    atomic_fetch_add(&p->references, 1);
    return V3_OK;
}
static uint32_t let_go(plug *p) {
    unsigned left = atomic_fetch_sub(&p->references, 1) - 1;
    if (!left) { lk_free(p->k); free(p); }
    return left;
}
#define UNKNOWN(i) \
    static v3_result V3_API i##_query(void *s, const v3_tuid iid, void **to) { return query(OF(i, s), iid, to); } \
    static uint32_t V3_API i##_ref(void *s) { return atomic_fetch_add(&OF(i, s)->references, 1) + 1; } \
    static uint32_t V3_API i##_unref(void *s) { return let_go(OF(i, s)); }
UNKNOWN(component) UNKNOWN(processor) UNKNOWN(controller) UNKNOWN(mapping) UNKNOWN(requirements) UNKNOWN(units)
#define BASE(i) .query_interface = i##_query, .ref = i##_ref, .unref = i##_unref
static void use_handler(plug *p, struct v3_component_handler **h) {
    if (h) (*h)->ref(h);
    if (p->handler) (*p->handler)->unref(p->handler);
    p->handler = h;
}
static v3_result V3_API component_end(void *s) { use_handler(OF(component, s), NULL); return V3_OK; }
static v3_result V3_API controller_end(void *s) { use_handler(OF(controller, s), NULL); return V3_OK; }
static v3_result V3_API initialize(void *s, struct v3_funknown **context) { (void)s; (void)context; return V3_OK; }

/* -- the component */
static v3_result V3_API controller_class(void *s, v3_tuid to) { (void)s; (void)to; return V3_NOT_IMPLEMENTED; }
static v3_result V3_API io_mode(void *s, int32_t mode) { (void)s; (void)mode; return V3_NOT_IMPLEMENTED; }
static int32_t V3_API bus_count(void *s, int32_t type, int32_t direction) {
    (void)s;
    return type == V3_AUDIO ? direction == V3_OUTPUT : type == V3_EVENT;
}
static v3_result V3_API bus_info(void *s, int32_t type, int32_t direction, int32_t i, struct v3_bus_info *o) {
    if (i || !bus_count(s, type, direction)) return V3_INVALID_ARG;
    *o = (struct v3_bus_info){.media_type = type, .direction = direction, .channel_count = type == V3_AUDIO ? 2 : 16, .bus_type = V3_MAIN, .flags = V3_DEFAULT_ACTIVE};
    wide(o->bus_name, type == V3_AUDIO ? "Out" : direction == V3_INPUT ? "Notes" : "Partner");
    return V3_OK;
}
static v3_result V3_API routing(void *s, struct v3_routing_info *a, struct v3_routing_info *b) { (void)s; (void)a; (void)b; return V3_NOT_IMPLEMENTED; }
static v3_result V3_API activate_bus(void *s, int32_t type, int32_t direction, int32_t i, v3_bool on) { (void)on; return i || !bus_count(s, type, direction) ? V3_INVALID_ARG : V3_OK; }
static v3_result V3_API set_active(void *s, v3_bool on) {
    plug *p = OF(component, s);
    p->is_active = on && lk_activate(p->k, p->rate);
    if (!on) lk_deactivate(p->k);
    return !on || p->is_active ? V3_OK : V3_FALSE;
}
static v3_result V3_API set_state(void *s, struct v3_bstream **from) {
    size_t n = 0, room = 1 << 16;
    char *chunk = malloc(room);
    int32_t got = 0;
    while (chunk && room <= 1 << 23 && (*from)->read(from, chunk + n, (int32_t)(room - n), &got) == V3_OK && got > 0)
        if ((n += (size_t)got) == room) {
            char *more = realloc(chunk, room *= 2);
            if (!more) free(chunk);
            chunk = more;
        }
    int ok = chunk && lk_load(OF(component, s)->k, chunk, n);
    free(chunk);
    return ok ? V3_OK : V3_FALSE;
}
static v3_result V3_API get_state(void *s, struct v3_bstream **to) {
    size_t n = 0;
    int32_t done = 0;
    char *chunk = lk_save(OF(component, s)->k, &n);
    v3_result r = chunk ? (*to)->write(to, chunk, (int32_t)n, &done) : V3_NOMEM;
    free(chunk);
    return r;
}

/* -- the processor */
static v3_result V3_API set_arrangements(void *s, v3_speaker_arrangement *in, int32_t ins, v3_speaker_arrangement *out, int32_t outs) {
    (void)s; (void)in;
    return ins == 0 && outs == 1 && *out == (V3_SPEAKER_L | V3_SPEAKER_R) ? V3_OK : V3_FALSE;
}
static v3_result V3_API get_arrangement(void *s, int32_t direction, int32_t i, v3_speaker_arrangement *o) {
    (void)s;
    if (i || direction != V3_OUTPUT) return V3_INVALID_ARG;
    *o = V3_SPEAKER_L | V3_SPEAKER_R;
    return V3_OK;
}
static v3_result V3_API sample_size(void *s, int32_t size) { (void)s; return size == V3_SAMPLE_32 ? V3_OK : V3_FALSE; }
static uint32_t V3_API latency(void *s) { (void)s; return 0; }
static v3_result V3_API setup(void *s, struct v3_process_setup *u) {
    plug *p = OF(processor, s);
    if (u->symbolic_sample_size != V3_SAMPLE_32) return V3_FALSE;
    p->rate = u->sample_rate;
    p->is_offline = u->process_mode == V3_OFFLINE;
    return V3_OK;
}
static v3_result V3_API set_processing(void *s, v3_bool on) { if (on) lk_reset(OF(processor, s)->k); return V3_OK; }
static uint32_t V3_API tail(void *s) { return (uint32_t)(OF(processor, s)->rate * lk_tail_seconds()); }
static int seven_bits(double share) { return share >= 0 ? share <= 1 ? (int)lrint(share * 127) : 127 : 0; }
static void turn(plug *p, int at, v3_param_id id, double v) {
    if (place_of(id) >= 0) { lk_set(p->k, at, place_of(id), v); return; }
    if (!is_control(id)) return;
    int channel = (int)(id - FIRST_CONTROL) / PER_CHANNEL, control = (int)(id - FIRST_CONTROL) % PER_CHANNEL;
    if (control == PRESSURE) lk_message(p->k, at, 0xD0 | channel, seven_bits(v), 0);
    else if (control == BEND) {
        int bend = v >= 0 ? v <= 1 ? (int)lrint(v * 16383) : 16383 : 0;
        lk_message(p->k, at, 0xE0 | channel, bend & 127, bend >> 7);
    } else lk_message(p->k, at, 0xB0 | channel, control, seven_bits(v));
}
static void take_parameters(plug *p, struct v3_param_changes **c) {
    for (int32_t i = 0, n = c ? (*c)->get_param_count(c) : 0; i < n; i++) {
        struct v3_param_value_queue **q = (*c)->get_param_data(c, i);
        for (int32_t j = 0, m = q ? (*q)->get_point_count(q) : 0; j < m; j++) {
            int32_t at = 0;
            double v = 0;
            if ((*q)->get_point(q, j, &at, &v) == V3_OK) turn(p, at, (*q)->get_param_id(q), v);
        }
    }
}
static void take_events(lk *k, struct v3_event_list **l) {
    for (int32_t i = 0, n = l ? (int32_t)(*l)->get_event_count(l) : 0; i < n; i++) {
        struct v3_event e;
        if ((*l)->get_event(l, i, &e) != V3_OK) continue;
        if (e.type == V3_EVENT_NOTE_ON && e.note_on.pitch >= 0 && e.note_on.pitch < 128) {
            lk_message(k, e.sample_offset, 0x90 | (e.note_on.channel & 15), e.note_on.pitch, seven_bits(e.note_on.velocity));
            if (e.note_on.tuning) lk_express(k, e.sample_offset, LK_TUNING, e.note_on.channel & 15, e.note_on.pitch, e.note_on.tuning / 100);
        } else if (e.type == V3_EVENT_NOTE_OFF && e.note_off.pitch >= 0 && e.note_off.pitch < 128)
            lk_message(k, e.sample_offset, 0x80 | (e.note_off.channel & 15), e.note_off.pitch, 64);
        else if (e.type == V3_EVENT_POLY_PRESSURE && e.poly_pressure.pitch >= 0 && e.poly_pressure.pitch < 128)
            lk_message(k, e.sample_offset, 0xA0 | (e.poly_pressure.channel & 15), e.poly_pressure.pitch, seven_bits(e.poly_pressure.pressure));
    }
}
static void tell_values(plug *p, struct v3_param_changes **c) { /* another preset has other values: so the host learns them */
    for (int i = 0; i < LK_PARAMETERS; i++) {
        int32_t at = 0;
        v3_param_id id = LK_PARAMETER[i].id;
        if (LK_PARAMETER[i].kind != LK_SOUND_FIELD && LK_PARAMETER[i].kind != LK_PROGRAM && LK_PARAMETER[i].kind != LK_MORPH) continue;
        struct v3_param_value_queue **q = (*c)->add_param_data(c, &id, &at);
        if (q) (*q)->add_point(q, 0, lk_get(p->k, i), &at);
    }
}
static void take_beats(lk *k, const struct v3_process_context *c) {
    const uint32_t needed = V3_PROCESS_CTX_PLAYING | V3_PROCESS_CTX_PROJECT_TIME_VALID | V3_PROCESS_CTX_TEMPO_VALID;
    const uint32_t bars = V3_PROCESS_CTX_BAR_POSITION_VALID | V3_PROCESS_CTX_TIME_SIG_VALID;
    if ((c->state & needed) != needed) return;
    double bar = (c->state & bars) == bars && c->time_sig_denom > 0 ? 4.0 * c->time_sig_numerator / c->time_sig_denom : 0;
    lk_beats(k, c->project_time_quarters, c->bpm, c->bar_position_quarters, bar);
}
static void give_events(lk *k, struct v3_event_list **to) { /* the partner's notes */
    unsigned char data[3];
    for (int i = 0, at; lk_out(k, i, &at, data); i++) {
        int is_on = data[0] >> 4 == 9 && data[2];
        struct v3_event e = {.sample_offset = at, .type = is_on ? V3_EVENT_NOTE_ON : V3_EVENT_NOTE_OFF};
        if (is_on) e.note_on = (struct v3_event_note_on){.channel = data[0] & 15, .pitch = data[1], .velocity = (float)data[2] / 127, .note_id = -1};
        else e.note_off = (struct v3_event_note_off){.channel = data[0] & 15, .pitch = data[1], .velocity = 0.5f, .note_id = -1};
        if (data[0] >> 4 == 8 || data[0] >> 4 == 9) (*to)->add_event(to, &e);
    }
}
static v3_result V3_API process(void *s, struct v3_process_data *d) {
    plug *p = OF(processor, s);
    int has_room = d->nframes > 0 && d->num_output_buses > 0 && d->outputs && d->outputs[0].num_channels == 2 && d->outputs[0].channel_buffers_32;
    float **out = has_room ? d->outputs[0].channel_buffers_32 : NULL;
    lk_offline(p->k, p->is_offline || d->process_mode == V3_OFFLINE); /* some hosts say it with each block alone */
    lk_begin_block(p->k, out ? out[0] : NULL, out ? out[1] : NULL, out ? d->nframes : 0);
    if (d->ctx) lk_transport(p->k, (d->ctx->state & V3_PROCESS_CTX_PLAYING) != 0, d->ctx->project_time_in_samples);
    if (d->ctx && d->ctx->state & V3_PROCESS_CTX_TEMPO_VALID) lk_tempo(p->k, 0, d->ctx->bpm);
    if (d->ctx) take_beats(p->k, d->ctx);
    if (lk_listen(p->k)) {
        take_parameters(p, d->input_params);
        take_events(p->k, d->input_events);
        lk_heard(p->k);
    }
    take_parameters(p, d->input_params);
    take_events(p->k, d->input_events);
    lk_end_block(p->k);
    if (d->output_events) give_events(p->k, d->output_events);
    if (out) d->outputs[0].channel_silence_bitset = 0;
    if (d->output_params && lk_moved(p->k)) tell_values(p, d->output_params);
    return V3_OK;
}

/* -- the controller */
static v3_result V3_API component_state(void *s, struct v3_bstream **from) { (void)s; (void)from; return V3_OK; }
static v3_result V3_API no_state(void *s, struct v3_bstream **from) { (void)s; (void)from; return V3_NOT_IMPLEMENTED; }
static int32_t V3_API parameter_count(void *s) { (void)s; return ALL; }
static v3_result V3_API parameter_info(void *s, int32_t i, struct v3_param_info *o) {
    (void)s;
    char name[32];
    if (i < 0 || i >= ALL) return V3_INVALID_ARG;
    if (i >= LK_PARAMETERS) { /* hosts send a controller as the parameter that `assignment` names; JUCE's know this name */
        int c = i - LK_PARAMETERS;
        *o = (struct v3_param_info){.param_id = (v3_param_id)(FIRST_CONTROL + c), .default_normalised_value = c % PER_CHANNEL == BEND ? 0.5 : 0, .flags = V3_PARAM_IS_HIDDEN};
        snprintf(name, sizeof name, "MIDI CC %d|%d", c / PER_CHANNEL + 1, c % PER_CHANNEL);
        wide(o->title, name);
        wide(o->short_title, name);
        return V3_OK;
    }
    int flags = i == LK_AT_STATUS ? V3_PARAM_READ_ONLY : V3_PARAM_CAN_AUTOMATE;
    if (i == LK_AT_BYPASS) flags |= V3_PARAM_IS_BYPASS;
    if (i == LK_AT_PROGRAM) flags |= V3_PARAM_IS_LIST | V3_PARAM_PROGRAM_CHANGE;
    *o = (struct v3_param_info){.param_id = LK_PARAMETER[i].id, .step_count = LK_PARAMETER[i].steps, .default_normalised_value = LK_PARAMETER[i].normal, .flags = flags};
    wide(o->title, LK_PARAMETER[i].name);
    wide(o->short_title, LK_PARAMETER[i].name);
    wide(o->units, LK_PARAMETER[i].unit);
    return V3_OK;
}
static void tell_handler(plug *p) { /* the host's own thread is here: nothing else says when it is */
    int changed = lk_changed(p->k) & 3;
    struct v3_component_handler **handler = p->handler;
    if (!changed || !handler) return;
    struct v3_component_handler2 **second = NULL;
    if (changed & 2 && (*handler)->query_interface(handler, v3_component_handler2_iid, (void **)&second) == V3_OK && second) {
        (*second)->set_dirty(second, 1);
        (*second)->unref(second);
    }
    (*handler)->restart_component(handler, V3_RESTART_PARAM_VALUES_CHANGED);
}
static v3_result V3_API to_string(void *s, v3_param_id id, double v, v3_str_128 to) {
    char text[128];
    tell_handler(OF(controller, s));
    if (place_of(id) < 0) snprintf(text, sizeof text, "%d", seven_bits(v));
    else lk_text(OF(controller, s)->k, place_of(id), v, text, sizeof text);
    wide(to, text);
    return V3_OK;
}
static v3_result V3_API from_string(void *s, v3_param_id id, int16_t *from, double *v) {
    char text[128];
    int i = 0;
    for (; from[i] && i < 127; i++) text[i] = (char)from[i];
    text[i] = 0;
    return lk_from_text(OF(controller, s)->k, place_of(id), text, v) ? V3_OK : V3_FALSE;
}
static double V3_API to_plain(void *s, v3_param_id id, double v) { (void)s; int p = place_of(id); return p >= 0 && LK_PARAMETER[p].steps ? rint(v * LK_PARAMETER[p].steps) : v; }
static double V3_API to_normal(void *s, v3_param_id id, double v) { (void)s; int p = place_of(id); return p >= 0 && LK_PARAMETER[p].steps ? v / LK_PARAMETER[p].steps : v; }
static double V3_API get_parameter(void *s, v3_param_id id) { tell_handler(OF(controller, s)); return place_of(id) >= 0 ? lk_get(OF(controller, s)->k, place_of(id)) : 0; }
static v3_result V3_API set_parameter(void *s, v3_param_id id, double v) { /* comes again in process(), while it is active */
    plug *p = OF(controller, s);
    if (!p->is_active && place_of(id) >= 0) lk_set(p->k, 0, place_of(id), v);
    return V3_OK;
}
static v3_result V3_API set_handler(void *s, struct v3_component_handler **h) { use_handler(OF(controller, s), h); return V3_OK; }
static struct v3_plugin_view **V3_API view(void *s, const char *name) { (void)s; (void)name; return NULL; }

static v3_result V3_API assignment(void *s, int32_t bus, int16_t channel, int16_t control, v3_param_id *id) {
    (void)s;
    if (bus || channel < 0 || channel > 15 || control < 0 || control >= PER_CHANNEL) return V3_FALSE;
    *id = (v3_param_id)(FIRST_CONTROL + channel * PER_CHANNEL + control);
    return V3_OK;
}
static uint32_t V3_API needs(void *s) { (void)s; return V3_PROCESS_CTX_NEED_TEMPO | V3_PROCESS_CTX_NEED_PROJECT_TIME | V3_PROCESS_CTX_NEED_BAR_POSITION | V3_PROCESS_CTX_NEED_TIME_SIG | V3_PROCESS_CTX_NEED_TRANSPORT_STATE; }

/* -- programs: the presets, as the one list of the one unit */
static int32_t V3_API one(void *s) { (void)s; return 1; }
static v3_result V3_API get_unit(void *s, int32_t i, struct v3_unit *o) {
    (void)s;
    if (i) return V3_INVALID_ARG;
    *o = (struct v3_unit){.id = 0, .parent = -1, .list = LIST};
    wide(o->name, "latentkeys");
    return V3_OK;
}
static v3_result V3_API get_list(void *s, int32_t i, struct v3_program_list *o) {
    (void)s;
    if (i) return V3_INVALID_ARG;
    *o = (struct v3_program_list){.id = LIST, .count = PROGRAMS};
    wide(o->name, "Presets");
    return V3_OK;
}
static v3_result V3_API program_name(void *s, int32_t list, int32_t i, int16_t *to) {
    char text[128];
    if (list != LIST || i < 0 || i >= PROGRAMS) return V3_INVALID_ARG;
    lk_text(OF(units, s)->k, LK_AT_PROGRAM, i / 127.0, text, sizeof text);
    wide(to, text);
    return V3_OK;
}
static v3_result V3_API no_attribute(void *s, int32_t list, int32_t i, const char *a, int16_t *to) { (void)s; (void)list; (void)i; (void)a; (void)to; return V3_FALSE; }
static v3_result V3_API no_pitch_names(void *s, int32_t list, int32_t i) { (void)s; (void)list; (void)i; return V3_FALSE; }
static v3_result V3_API no_pitch_name(void *s, int32_t list, int32_t i, int16_t pitch, int16_t *to) { (void)s; (void)list; (void)i; (void)pitch; (void)to; return V3_FALSE; }
static int32_t V3_API selected(void *s) { (void)s; return 0; }
static v3_result V3_API select_unit(void *s, int32_t i) { (void)s; return i ? V3_INVALID_ARG : V3_OK; }
static v3_result V3_API unit_of_bus(void *s, int32_t type, int32_t direction, int32_t bus, int32_t channel, int32_t *unit) {
    (void)channel;
    if (bus || !bus_count(s, type, direction)) return V3_FALSE;
    *unit = 0;
    return V3_OK;
}
static v3_result V3_API no_program_data(void *s, int32_t list, int32_t i, struct v3_bstream **from) { (void)s; (void)list; (void)i; (void)from; return V3_FALSE; }

static const struct v3_component COMPONENT = {BASE(component), .initialize = initialize, .terminate = component_end, .get_controller_class_id = controller_class,
    .set_io_mode = io_mode, .get_bus_count = bus_count, .get_bus_info = bus_info, .get_routing_info = routing, .activate_bus = activate_bus,
    .set_active = set_active, .set_state = set_state, .get_state = get_state};
static const struct v3_audio_processor PROCESSOR = {BASE(processor), .set_bus_arrangements = set_arrangements, .get_bus_arrangement = get_arrangement,
    .can_process_sample_size = sample_size, .get_latency_samples = latency, .setup_processing = setup, .set_processing = set_processing, .process = process,
    .get_tail_samples = tail};
static const struct v3_edit_controller CONTROLLER = {BASE(controller), .initialize = initialize, .terminate = controller_end, .set_component_state = component_state,
    .set_state = no_state, .get_state = no_state, .get_parameter_count = parameter_count, .get_parameter_info = parameter_info,
    .get_parameter_string_for_value = to_string, .get_parameter_value_for_string = from_string, .normalised_parameter_to_plain = to_plain,
    .plain_parameter_to_normalised = to_normal, .get_parameter_normalised = get_parameter, .set_parameter_normalised = set_parameter,
    .set_component_handler = set_handler, .create_view = view};
static const struct v3_midi_mapping MAPPING = {BASE(mapping), .get_midi_controller_assignment = assignment};
static const struct v3_process_context_requirements REQUIREMENTS = {BASE(requirements), .get_process_context_requirements = needs};
static const struct v3_unit_info UNITS = {BASE(units), .unit_count = one, .get_unit = get_unit, .list_count = one, .get_list = get_list,
    .get_name = program_name, .get_attribute = no_attribute, .has_pitch_names = no_pitch_names, .get_pitch_name = no_pitch_name, .selected = selected,
    .select = select_unit, .unit_of_bus = unit_of_bus, .set_program_data = no_program_data};

/* -- the factory */
static v3_result V3_API f_query(void *s, const v3_tuid iid, void **to) {
    int ok = v3_tuid_match(iid, v3_funknown_iid) || v3_tuid_match(iid, v3_plugin_factory_iid) || v3_tuid_match(iid, v3_plugin_factory_2_iid);
    *to = ok ? s : NULL;
    return ok ? V3_OK : V3_NO_INTERFACE;
}
static uint32_t V3_API f_count(void *s) { (void)s; return 1; }
static v3_result V3_API f_info(void *s, struct v3_factory_info *o) {
    (void)s;
    *o = (struct v3_factory_info){.vendor = "latentkeys", .flags = 0x10};
    return V3_OK;
}
static int32_t V3_API f_classes(void *s) { (void)s; return 1; }
static v3_result V3_API f_class(void *s, int32_t i, struct v3_class_info *o) {
    (void)s;
    if (i) return V3_INVALID_ARG;
    *o = (struct v3_class_info){.cardinality = 0x7FFFFFFF, .category = "Audio Module Class", .name = "latentkeys"};
    memcpy(o->class_id, CID, 16);
    return V3_OK;
}
static v3_result V3_API f_class2(void *s, int32_t i, struct v3_class_info_2 *o) {
    (void)s;
    if (i) return V3_INVALID_ARG;
    *o = (struct v3_class_info_2){.cardinality = 0x7FFFFFFF, .category = "Audio Module Class", .name = "latentkeys", .sub_categories = "Instrument|Synth",
        .vendor = "latentkeys", .version = LK_VERSION, .sdk_version = "VST 3.7.4"};
    memcpy(o->class_id, CID, 16);
    return V3_OK;
}
static v3_result V3_API f_create(void *s, const v3_tuid cid, const v3_tuid iid, void **to) {
    (void)s;
    *to = NULL;
    if (memcmp(cid, CID, 16)) return V3_INVALID_ARG;
    plug *p = calloc(1, sizeof *p);
    if (!p || !(p->k = lk_new())) { free(p); return V3_NOMEM; }
    p->component = &COMPONENT;
    p->processor = &PROCESSOR;
    p->controller = &CONTROLLER;
    p->mapping = &MAPPING;
    p->requirements = &REQUIREMENTS;
    p->units = &UNITS;
    atomic_init(&p->references, 1);
    p->rate = 48000;
    v3_result r = query(p, iid, to);
    let_go(p);
    return r;
}
static const struct v3_plugin_factory_2 FACTORY = {.query_interface = f_query, .ref = f_count, .unref = f_count, .get_factory_info = f_info,
    .num_classes = f_classes, .get_class_info = f_class, .create_instance = f_create, .get_class_info_2 = f_class2};
static struct { const struct v3_plugin_factory_2 *table; } the_factory = {&FACTORY};
EXPORT void *V3_API GetPluginFactory(void) { return &the_factory; }
#if defined(_WIN32)
EXPORT char InitDll(void) { return 1; }
EXPORT char ExitDll(void) { return 1; }
#elif defined(__APPLE__)
EXPORT char bundleEntry(void *b) { (void)b; return 1; }
EXPORT char bundleExit(void) { return 1; }
#else
EXPORT char ModuleEntry(void *h) { (void)h; return 1; }
EXPORT char ModuleExit(void) { return 1; }
#endif
