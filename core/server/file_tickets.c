/* File tickets and the keys that open them. Of neither does the server keep anything: keys follow
 * from the realm's secret, the device, its user and the epoch. */
#include "channel/file_ticket.h"
#include "server/server_internal.h"

static uint64_t epoch_of(uint64_t wall_s)
{
    return wall_s / PS_FILE_EPOCH_S;
}

uint32_t ps_server_first_epoch(const ps_server *s)
{
    const uint64_t wall_s = ps_server_wall_s(s);
    const uint64_t epoch = epoch_of(wall_s);
    if (wall_s == 0 || epoch >= PS_NIL) { /* The year 11 million is no clock either. */
        return PS_NIL;
    }
    return epoch > 0 ? (uint32_t)epoch - 1 : 0;
}

static void key_of(const ps_server *s, const ps_session *x, uint64_t epoch,
                   uint8_t key[PS_KEY_BYTES])
{
    const ps_directory *d = &s->directory;
    ps_file_key_derive(s->cfg.crypto, s->cfg.realm_secret, ps_device_at(d, x->device)->id,
                       ps_user_name(d, x->user), epoch, key);
}

void ps_server_file_keys(const ps_server *s, const ps_session *x, ps_file_keys *out)
{
    *out = (ps_file_keys){.count = 0};
    if (x->epoch == PS_NIL) {
        return;
    }
    out->first_epoch = x->epoch;
    out->count = PS_FILE_EPOCHS;
    for (uint32_t i = 0; i < PS_FILE_EPOCHS; i++) {
        key_of(s, x, out->first_epoch + i, out->keys[i]);
    }
}

/* The present epoch, or the nearest to it whose key the session has: the server's clock may have
 * been set since. */
static uint64_t epoch_for(const ps_session *x, uint64_t wall_s)
{
    const uint64_t first = x->epoch;
    const uint64_t last = first + PS_FILE_EPOCHS - 1;
    const uint64_t epoch = epoch_of(wall_s);
    return epoch < first ? first : epoch > last ? last : epoch;
}

static void describe(const ps_server *s, const ps_pub *pub, ps_span asker, uint64_t wall_s,
                     ps_file_ticket *t)
{
    *t = (ps_file_ticket){.content = pub->content, .expires_s = wall_s + s->cfg.file_ticket_s};
    t->downloader.len = (uint8_t)asker.len;
    memcpy(t->downloader.bytes, asker.data, asker.len);
    if (PS_CANARY(FOREIGN_TICKET)) {
        t->content.root[0] ^= 1;
    }
    if (PS_CANARY(LASTING_TICKET)) {
        t->expires_s = UINT64_MAX;
    }
}

void ps_server_admission(ps_server *s, const ps_session *uploader, uint32_t pub, ps_span asker,
                         ps_admission *out)
{
    const uint64_t wall_s = ps_server_wall_s(s);
    out->len = 0;
    if (wall_s == 0 || uploader->epoch == PS_NIL) {
        return;
    }
    const ps_crypto *const c = s->cfg.crypto;
    const uint64_t epoch = epoch_for(uploader, wall_s);
    uint8_t seals[PS_KEY_BYTES];
    uint8_t drawn[PS_HASH_BYTES];
    ps_file_ticket t;
    describe(s, ps_pub_at(&s->directory, pub), asker, wall_s, &t);
    /* Its first half is the salt. The key is the realm's, too: who knows the seed alone, which a
     * scrubbed journal tells, does not know it. */
    ps_secrets_draw(c, &s->secrets, drawn);
    ps_derive(c, s->cfg.realm_secret, "file ticket key", (ps_span){drawn, sizeof drawn}, t.key);
    key_of(s, uploader, epoch, seals);
    out->len = ps_file_ticket_seal(c, seals, epoch, drawn, &t, out->ticket);
    memcpy(out->key, t.key, sizeof out->key);
    ps_wipe(seals, sizeof seals);
    ps_wipe(drawn, sizeof drawn);
    ps_wipe(&t, sizeof t);
}
