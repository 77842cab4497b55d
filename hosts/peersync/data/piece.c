#include "piece.h"

#include "alloc.h"
#include "courier.h"

#include <stdlib.h>
#include <string.h>

struct piece *piece_new(struct courier *k, struct download *dl, uint32_t file, uint32_t index,
                        const ps_content *content)
{
    struct piece *p = data_alloc(1, sizeof *p);
    p->courier = k;
    p->download = dl;
    p->data = k->data;
    p->content = *content;
    p->file = file;
    p->index = index;
    p->len = ps_piece_length(content->length, index);
    p->bytes = buffers_take(&p->data->buffers, p->len, &k->allowance);
    p->work.loop = k->conn.loop;
    courier_add_piece(k, p);
    return p;
}

static void piece_free(struct piece *p)
{
    if (p->courier) {
        courier_remove_piece(p->courier, p);
    }
    buffers_give(&p->data->buffers, p->bytes, p->len);
    free(p);
}

void piece_leave(struct piece *p)
{
    courier_remove_piece(p->courier, p);
    p->courier = NULL;
    if (!p->busy) {
        piece_free(p);
    }
}

static struct piece *piece_of(struct work *work)
{
    return (struct piece *)(void *)((char *)work - offsetof(struct piece, work));
}

static void start(struct piece *p, void (*run)(struct work *),
                  void (*done)(struct loop *, struct work *))
{
    p->busy = true;
    p->work.run = run;
    p->work.done = done;
    p->work.loop->pieces++;
    if (p->download) {
        p->download->jobs++;
    }
    workers_add(&p->data->workers, &p->work);
}

/* A worker has given it back. @return its download, or NULL. */
static struct download *stop(struct piece *p)
{
    p->busy = false;
    p->work.loop->pieces--;
    if (p->download) {
        p->download->jobs--;
    }
    return p->download;
}

static void check(struct work *work)
{
    struct piece *p = piece_of(work);
    struct download *dl = p->download;
    ps_piece_hash(p->data->cfg.crypto, p->content.length, p->bytes, p->len, &p->hash);
    if (!dl || !dl->small || memcmp(&p->hash, p->content.root, sizeof p->hash) != 0) {
        return;
    }
    /* The only piece is the file: verified here, it need not wait for the loop. */
    if (!atomic_load(&dl->landing.cancelled)) {
        landing_store(&dl->landing, p->bytes, p->len);
        p->stored = dl->landing.error == PS_E_NONE;
    }
}

static void checked(struct loop *loop, struct work *work)
{
    struct piece *p = piece_of(work);
    struct courier *k = p->courier;
    struct download *dl = stop(p);
    if (dl) {
        dl->jobs++; /* It goes on when all of this is done. */
    }
    if (dl && p->stored) {
        download_stored(dl, p);
    }
    if (k) {
        courier_hashed(k, p);
    }
    if (k && dl && !dl->small && p->verified && download_wants(dl)) {
        piece_write(p);
    } else {
        piece_free(p);
    }
    if (k) {
        courier_run(k);
    }
    if (dl) {
        dl->jobs--;
        download_go_on(dl);
    }
    couriers_serve(loop);
    data_loop_rest(loop);
}

void piece_check(struct piece *p)
{
    start(p, check, checked);
}

static void write_out(struct work *work)
{
    struct piece *p = piece_of(work);
    p->stored = partial_write(&p->download->partial, p->index, p->bytes, p->len, &p->hash,
                              &p->error) == PS_OK;
}

static void written(struct loop *loop, struct work *work)
{
    struct piece *p = piece_of(work);
    struct courier *k = p->courier;
    struct download *dl = stop(p);
    const bool stored = p->stored;
    const ps_posix_error error = p->error;
    if (stored) {
        download_stored(dl, p);
    }
    piece_free(p); /* What follows may end the courier, and with it all pieces that it has. */
    if (!stored) {
        download_not_stored(dl, &error);
    }
    if (k) {
        courier_run(k);
    }
    download_go_on(dl);
    couriers_serve(loop);
    data_loop_rest(loop);
}

void piece_write(struct piece *p)
{
    start(p, write_out, written);
}
