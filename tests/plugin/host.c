/* host PLUGIN EVENTS FRAMES OUT: plays notes ("frame status data1 data2" lines) through a CLAP or, by its name, a VST3. */
typedef struct v3_event_handler v3_event_handler; /* the description means C++ here */
typedef struct v3_timer_handler v3_timer_handler;
#include "vendor/clap/entry.h"
#include "vendor/clap/plugin-factory.h"
#include "vendor/clap/plugin.h"
#include "vendor/travesty/audio_processor.h"
#include "vendor/travesty/component.h"
#include "vendor/travesty/factory.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _WIN32
#include <windows.h>
#define open_library(path) ((void *)LoadLibraryA(path))
#define symbol(library, name) ((void *)GetProcAddress((HMODULE)(library), name))
#else
#include <dlfcn.h>
#define open_library(path) dlopen(path, RTLD_NOW)
#define symbol(library, name) dlsym(library, name)
#endif
enum { RATE = 48000, BLOCK = 480, MOST = 1000 };
static struct { long frame; int status, data1, data2; } all[MOST];
static int count, first, last; /* those of the block */
static long begin;
static float left[BLOCK], right[BLOCK], *out[2] = {left, right};

/* -- CLAP */
static clap_event_midi_t event;
static uint32_t size(const clap_input_events_t *l) { (void)l; return (uint32_t)(last - first); }
static const clap_event_header_t *get(const clap_input_events_t *l, uint32_t i) {
    (void)l;
    i += (uint32_t)first;
    event = (clap_event_midi_t){{sizeof event, (uint32_t)(all[i].frame - begin), 0, CLAP_EVENT_MIDI, 0}, 0, {(uint8_t)all[i].status, (uint8_t)all[i].data1, (uint8_t)all[i].data2}};
    return &event.header;
}
static bool push(const clap_output_events_t *l, const clap_event_header_t *e) { (void)l; (void)e; return true; }
static const void *nothing(const clap_host_t *h, const char *id) { (void)h; (void)id; return NULL; }
static void asked(const clap_host_t *h) { (void)h; }
static const clap_host_t HOST = {CLAP_VERSION_INIT, NULL, "host", "", "", "1", nothing, asked, asked, asked};
static const clap_plugin_t *clap;
static int open_clap(void *library, const char *path) {
    const clap_plugin_entry_t *e = symbol(library, "clap_entry");
    if (!e || !e->init(path)) return 0;
    const clap_plugin_factory_t *f = e->get_factory(CLAP_PLUGIN_FACTORY_ID);
    clap = f->create_plugin(f, &HOST, f->get_plugin_descriptor(f, 0)->id);
    return clap && clap->init(clap) && clap->activate(clap, RATE, 1, BLOCK) && clap->start_processing(clap);
}
static void clap_block(void) {
    clap_audio_buffer_t to = {.data32 = out, .channel_count = 2};
    clap_input_events_t in = {NULL, size, get};
    clap_output_events_t back = {NULL, push};
    clap_process_t block = {.steady_time = begin, .frames_count = BLOCK, .audio_outputs = &to, .audio_outputs_count = 1, .in_events = &in, .out_events = &back};
    clap->process(clap, &block);
}

/* -- VST3 */
static v3_result V3_API no_query(void *s, const v3_tuid iid, void **to) { (void)s; (void)iid; *to = NULL; return V3_NO_INTERFACE; }
static uint32_t V3_API one(void *s) { (void)s; return 1; }
static uint32_t V3_API event_count(void *s) { (void)s; return (uint32_t)(last - first); }
static v3_result V3_API get_event(void *s, int32_t i, struct v3_event *e) {
    (void)s;
    i += first;
    int is_on = all[i].status >> 4 == 9;
    *e = (struct v3_event){.sample_offset = (int32_t)(all[i].frame - begin), .type = is_on ? V3_EVENT_NOTE_ON : V3_EVENT_NOTE_OFF};
    if (is_on) e->note_on = (struct v3_event_note_on){.channel = (int16_t)(all[i].status & 15), .pitch = (int16_t)all[i].data1, .velocity = (float)all[i].data2 / 127, .note_id = -1};
    else e->note_off = (struct v3_event_note_off){.channel = (int16_t)(all[i].status & 15), .pitch = (int16_t)all[i].data1, .note_id = -1};
    return V3_OK;
}
static v3_result V3_API add_event(void *s, struct v3_event *e) { (void)s; (void)e; return V3_OK; }
static const struct v3_event_list EVENTS = {.query_interface = no_query, .ref = one, .unref = one, .get_event_count = event_count, .get_event = get_event, .add_event = add_event};
static struct v3_component **component;
static struct v3_audio_processor **processor;
static int open_vst3(void *library) {
    union { void *at; struct v3_plugin_factory **(V3_API *call)(void); } entry = {symbol(library, "GetPluginFactory")};
    struct v3_plugin_factory **f = entry.at ? entry.call() : NULL;
    struct v3_class_info info;
    if (!f || (*f)->get_class_info(f, 0, &info) != V3_OK) return 0;
    if ((*f)->create_instance(f, info.class_id, v3_component_iid, (void **)&component) != V3_OK) return 0;
    if ((*component)->initialize(component, NULL) != V3_OK) return 0;
    if ((*component)->query_interface(component, v3_audio_processor_iid, (void **)&processor) != V3_OK) return 0;
    struct v3_process_setup setup = {V3_REALTIME, V3_SAMPLE_32, BLOCK, RATE};
    return (*processor)->setup_processing(processor, &setup) == V3_OK && (*component)->set_active(component, 1) == V3_OK && (*processor)->set_processing(processor, 1) == V3_OK;
}
static void vst3_block(void) {
    static const struct v3_event_list *events = &EVENTS;
    struct v3_audio_bus_buffers to = {.num_channels = 2, .channel_buffers_32 = out};
    struct v3_process_data d = {.process_mode = V3_REALTIME, .symbolic_sample_size = V3_SAMPLE_32, .nframes = BLOCK, .num_output_buses = 1, .outputs = &to,
        .input_events = (struct v3_event_list **)&events};
    (*processor)->process(processor, &d);
}

int main(int n, char **words) {
    if (n != 5) return 2;
    void *library = open_library(words[1]);
    int is_vst3 = strstr(words[1], ".vst3") != NULL;
    if (!library || !(is_vst3 ? open_vst3(library) : open_clap(library, words[1]))) { puts("the plug-in does not open"); return 1; }
    FILE *in = fopen(words[2], "r"), *to = fopen(words[4], "wb");
    if (!in || !to) return 2;
    while (count < MOST && fscanf(in, "%ld %d %d %d", &all[count].frame, &all[count].status, &all[count].data1, &all[count].data2) == 4) count++;
    for (; begin < atol(words[3]); begin += BLOCK, first = last) {
        while (last < count && all[last].frame < begin + BLOCK) last++;
        if (is_vst3) vst3_block();
        else clap_block();
        for (int i = 0; i < BLOCK; i++) { fwrite(left + i, 4, 1, to); fwrite(right + i, 4, 1, to); }
    }
    fclose(to);
    return 0;
}
