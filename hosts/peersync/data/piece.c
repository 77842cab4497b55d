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

static void start(struct piece *p, void (*run)(struct work *))
{
    p->busy = true;
    p->work.run = run;
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

/* A file of one piece lands in a batch with others; of a longer one this is a part. */
static void store(struct piece *p, struct download *dl)
{
    if (dl->small) {
        if (!atomic_load(&dl->landing.cancelled)) {
            landing_store(&dl->landing, p->bytes, p->len);
            p->stored = dl->landing.error == PS_E_NONE;
        }
        return;
    }
    p->stored =
        partial_write(&dl->partial, p->index, p->bytes, p->len, &p->hash, &p->error) == PS_OK;
    p->refused = !p->stored;
}

static void checked(struct loop *loop, void *arg)
{
    struct piece *p = arg;
    struct courier *k = p->courier;
    struct download *dl = stop(p);
    const bool refused = p->refused;
    const ps_posix_error error = p->error;
    if (dl) {
        dl->jobs++; /* It goes on when all of this is done. */
    }
    if (dl && p->stored) {
        download_stored(dl, p);
    }
    if (k) {
        courier_hashed(k, p);
    }
    piece_free(p); /* What follows may end the courier, and with it all pieces that it has. */
    if (dl && refused) {
        download_not_stored(dl, &error);
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

static struct piece *piece_of_turn(struct turn *turn)
{
    return (struct piece *)(void *)((char *)turn - offsetof(struct piece, turn));
}

/* A piece's loop is told by whoever has stored it. Once it is, the download may be gone, unless
 * another piece of it is still to be stored. */
static void store_in_turn(struct piece *p, struct download *dl)
{
    struct turn *turn = turns_take(&dl->turns, &p->turn) ? &p->turn : NULL;
    while (turn) {
        p = piece_of_turn(turn);
        store(p, dl);
        turn = turns_next(&dl->turns);
        loop_post(p->work.loop, checked, p);
    }
}

static void check(struct work *work)
{
    struct piece *p = piece_of(work);
    ps_piece_hash(p->data->cfg.crypto, p->content.length, p->bytes, p->len, &p->hash);
    if (p->download && memcmp(&p->hash, &p->expect, sizeof p->hash) == 0) {
        store_in_turn(p, p->download);
    } else {
        loop_post(p->work.loop, checked, p);
    }
}

void piece_check(struct piece *p, const ps_node *expect)
{
    p->expect = *expect;
    start(p, check);
}
