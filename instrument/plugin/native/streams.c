/* Held notes that the service renders on: what the kernel asks for goes into memory that both share, and what was answered comes back. */
#include "instance.h"

static lk_shared *shared(lk *k) { return (lk_shared *)k->shared.at; }
static lk_stream *own(lk *k) { return (lk_stream *)(k->state + LK_STREAMS_AT); }
static int32_t *state_at(lk *k, size_t at) { return (int32_t *)(k->state + at); }
static int bank_has(lk *k, int bank, int field) { return bank >= 0 && bank < LK_BANKS && *state_at(k, (size_t)(LK_SOUNDS_AT + bank * LK_SOUND_BYTES + field)); }
static int goes_on(const part *of) { return *(const int32_t *)(of->sound + LK_SOUND_STREAMS); }

/* -- the helper's thread, and whoever holds the lock */
static int share(lk *k) { /* once there is a sound that needs it */
    if (k->shared.at) return 1;
    int64_t stride = LK_STREAM_CHUNKS * lrint(LK_CHUNK_SECONDS * k->rate);
    if (!k->state || !os_share(&k->shared, LK_RINGS_AT + (size_t)(LK_STREAM_COUNT * stride) * 4 + LK_RING_SPARE_BYTES, LK_RINGS_AT)) return 0;
    shared(k)->rate_hz = k->rate;
    shared(k)->stream_stride = stride;
    memcpy(shared(k)->asked, k->stream_of, sizeof k->stream_of);
    __atomic_store_n(&shared(k)->layout, LK_SHARED_LAYOUT, __ATOMIC_RELEASE);
    return 1;
}
void streams_drop(lk *k) { /* nothing is active */
    os_unshare(&k->shared);
    k->streams_are_open = k->told_shared = 0;
    atomic_store(&k->streams_are_served, 0);
}
void streams_of_bank(lk *k, int bank) { /* it has another sound now, which has to be served anew */
    k->stream_of[bank] = ++k->last_stream;
    if (k->shared.at) __atomic_store_n(&shared(k)->asked[bank], k->stream_of[bank], __ATOMIC_RELEASE);
}
int streams_are_settled(lk *k, const part *of) { /* it is served, or will never be */
    if (!goes_on(of) || atomic_load(&k->has_no_streams)) return 1;
    if (!k->shared.at || !of->placed) return 0;
    int64_t served = __atomic_load_n(&shared(k)->served[of->bank], __ATOMIC_ACQUIRE);
    return served == k->stream_of[of->bank] || served == -k->stream_of[of->bank];
}
void streams_tell(lk *k) { /* the helper; the lock not held */
    struct { int bank; int64_t number; char recipe[33]; } told[2];
    const part *parts[] = {&k->own, &k->second};
    char name[sizeof k->shared.name];
    int count = 0;
    if (atomic_load(&k->has_no_streams)) return;
    os_lock(&k->lock);
    for (int i = 0; i < 2; i++) {
        const part *of = parts[i];
        int is_known = of->placed && of->placed == of->serial && is_recipe(of->recipe) && (i || k->asked == of->serial);
        if (!is_known || !goes_on(of) || !k->tables[of->bank] || k->told_stream[of->bank] == k->stream_of[of->bank]) continue;
        told[count].bank = of->bank;
        told[count].number = k->stream_of[of->bank];
        memcpy(told[count++].recipe, of->recipe, sizeof of->recipe);
    }
    int is_shared = count && share(k);
    memcpy(name, k->shared.name, sizeof name);
    if (count && !is_shared) { atomic_store(&k->has_no_streams, 1); settle(k); }
    os_unlock(&k->lock);
    if (is_shared && !k->told_shared) k->told_shared = say_line(k, "SHARED %s\n", name);
    for (int i = 0; i < count && k->told_shared; i++)
        if (say_line(k, "STREAM %d %lld %s\n", told[i].bank, (long long)told[i].number, told[i].recipe)) k->told_stream[told[i].bank] = told[i].number;
}
void streams_lost(lk *k) { /* the helper: the service is gone */
    k->told_shared = 0;
    memset(k->told_stream, 0, sizeof k->told_stream);
}

/* -- the audio thread, or nobody processes */
static void ask(lk *k) {
    const lk_stream *from = own(k);
    lk_stream *to = shared(k)->streams;
    for (int i = 0; i < LK_STREAM_COUNT; i++) {
        if (to[i].request != from[i].request) {
            memcpy(&to[i].slides, &from[i].slides, offsetof(lk_stream, answered) - offsetof(lk_stream, slides));
            __atomic_store_n(&to[i].request, from[i].request, __ATOMIC_RELEASE);
        }
        to[i].position = from[i].position;
        to[i].holders = from[i].holders;
    }
}
static void take(lk *k) {
    const lk_stream *from = shared(k)->streams;
    lk_stream *to = own(k);
    for (int i = 0; i < LK_STREAM_COUNT; i++) {
        if (!to[i].holders) continue;
        int64_t answered = __atomic_load_n(&from[i].answered, __ATOMIC_ACQUIRE); /* first: what follows belongs to it, or to one that came after */
        to[i].frames_ready = __atomic_load_n(&from[i].frames_ready, __ATOMIC_ACQUIRE);
        to[i].first_frame = from[i].first_frame;
        to[i].answered = answered;
    }
}
static void show_sliding(lk *k) { /* keys that may slide in a moment are looked at before */
    lk_sliding *to = shared(k)->voices;
    int n = 0, slides = 0;
    for (int b = 0; b < LK_BANKS; b++) slides |= bank_has(k, b, LK_SOUND_SLIDES) && bank_has(k, b, LK_SOUND_STREAMS);
    for (int v = 0; slides && v < LK_LANES_OF_VOICES && n < LK_MOST_SLIDING; v++) {
        const int32_t *voice = state_at(k, (size_t)(LK_VOICES_AT + v * LK_VOICE_BYTES));
        int channel = voice[LK_VOICE_CHANNEL / 4];
        if (!voice[LK_VOICE_STAGE / 4] || !bank_has(k, voice[LK_VOICE_SOURCE_BANK / 4], LK_SOUND_SLIDES)) continue;
        if (*state_at(k, (size_t)(LK_CHANNELS_AT + channel * LK_CHANNEL_BYTES + LK_CHANNEL_MASTER)) == channel) continue;
        to[n++] = (lk_sliding){voice[LK_VOICE_STAGE / 4], channel, voice[LK_VOICE_SOURCE_BANK / 4], voice[LK_VOICE_SOURCE_PITCH / 4],
            voice[LK_VOICE_IS_STAND_IN / 4], voice[LK_VOICE_LOOPS / 4], voice[LK_VOICE_READS_STREAM / 4]};
    }
    for (; n < LK_MOST_SLIDING && to[n].stage; n++) to[n].stage = 0;
}
static int is_there(lk *k) { /* what a render would have: each note that is served has so much before it */
    const lk_stream *asked = own(k), *found = shared(k)->streams;
    int64_t enough = LK_AHEAD_CHUNKS * lrint(LK_CHUNK_SECONDS * k->rate);
    for (int i = 0; i < LK_STREAM_COUNT; i++) {
        int bank = asked[i].bank;
        if (asked[i].holders <= 0 || bank < 0 || bank >= LK_BANKS || __atomic_load_n(&shared(k)->served[bank], __ATOMIC_ACQUIRE) != shared(k)->asked[bank]) continue;
        if (__atomic_load_n(&found[i].answered, __ATOMIC_ACQUIRE) != asked[i].request) return 0;
        if (__atomic_load_n(&found[i].frames_ready, __ATOMIC_ACQUIRE) - asked[i].position < enough) return 0;
    }
    return 1;
}
static void wait_for_streams(lk *k) { /* bounded: then it goes on without them, until they are there again */
    int64_t until = os_now_ms() + WAIT_OFFLINE_MS;
    while (!is_there(k) && !k->streams_are_tired && !atomic_load(&k->has_no_streams)) {
        os_nap();
        k->streams_are_tired = os_now_ms() > until;
    }
    if (k->streams_are_tired) k->streams_are_tired = !is_there(k);
}
void streams_open(lk *k) {
    if (k->streams_are_open || !atomic_load(&k->streams_are_served)) return;
    *(uint64_t *)(k->state + LK_STREAM_ADDRESS_AT) = (uint64_t)(uintptr_t)k->shared.at + LK_RINGS_AT;
    *(int64_t *)(k->state + LK_STREAM_STRIDE_AT) = shared(k)->stream_stride;
    k->streams_are_open = 1;
}
void streams_reset(lk *k) { /* no voice holds a ring any more */
    for (int i = 0; i < LK_STREAM_COUNT; i++) own(k)[i].holders = 0;
    k->streams_are_tired = 0;
    if (k->streams_are_open) ask(k);
}
int streams_follow(lk *k, int frames) { /* how many frames may be rendered with what is there now */
    if (!k->streams_are_open) return frames;
    shared(k)->clock_block_frames = frames;
    shared(k)->is_offline = atomic_load(&k->offline);
    ask(k);
    show_sliding(k);
    if (!shared(k)->is_offline) { take(k); return frames; }
    int past = (int)(*(int64_t *)(k->state + LK_CLOCK_AT) % LK_EXCHANGE_FRAMES); /* a bounce takes answers at the same frames each time, however soon they were there */
    if (!past) { wait_for_streams(k); take(k); }
    return frames < LK_EXCHANGE_FRAMES - past ? frames : LK_EXCHANGE_FRAMES - past;
}
