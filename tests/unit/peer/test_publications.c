/* The table against a plain list, over random histories: find, add, remove, the line's order. */
#include "random.h"
#include "rig.h"

enum { NAMES = 60 };

static ps_span name_of(unsigned k, char name[64])
{
    const int len = snprintf(name, 64, k % 3 == 0 ? "%u" : k % 3 == 1 ? "%028u" : "%045u", k);
    return (ps_span){(const uint8_t *)name, (size_t)len};
}

typedef struct model {
    uint32_t index[NAMES]; /* PS_NIL: not held. */
    unsigned line[NAMES];
    unsigned line_len;
} model;

static bool in_line(const model *m, unsigned k)
{
    for (unsigned i = 0; i < m->line_len; i++) {
        if (m->line[i] == k) {
            return true;
        }
    }
    return false;
}

static void leave_line(model *m, unsigned k)
{
    unsigned to = 0;
    for (unsigned i = 0; i < m->line_len; i++) {
        if (m->line[i] != k) {
            m->line[to++] = m->line[i];
        }
    }
    m->line_len = to;
}

static void join_line(model *m, unsigned k, bool first)
{
    if (first) {
        memmove(m->line + 1, m->line, m->line_len * sizeof m->line[0]);
        m->line[0] = k;
    } else {
        m->line[m->line_len] = k;
    }
    m->line_len++;
}

static void verify(const ps_peer *p, const model *m)
{
    char name[64];
    for (unsigned k = 0; k < NAMES; k++) {
        assert_int_equal(ps_peer_pub_find(p, name_of(k, name)), m->index[k]);
    }
    uint32_t at = p->dirty_head;
    for (unsigned i = 0; i < m->line_len; i++) {
        assert_int_equal(at, m->index[m->line[i]]);
        at = ps_peer_pub_at(p, at)->next;
    }
    assert_int_equal(at, PS_NIL);
    assert_int_equal(ps_peer_check(p), 0);
}

static void random_histories(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.max_publications = 32;
    cfg.name_bytes = 28 * 10;
    rig *r = rig_new(&cfg);
    ps_peer *p = r->p;
    p->repair.phase = PS_REPAIR_SUM; /* While names may be neither in line nor judged. */
    const ps_content content = {.length = 7};
    model m = {.line_len = 0};
    test_random random = test_random_of(3);
    char name[64];
    unsigned refused = 0;
    for (unsigned k = 0; k < NAMES; k++) {
        m.index[k] = PS_NIL;
    }
    for (int n = 0; n < 6000; n++) {
        const unsigned k = (unsigned)test_random_below(&random, NAMES);
        const uint32_t i = m.index[k];
        if (i == PS_NIL) {
            m.index[k] = ps_peer_pub_add(p, name_of(k, name));
            if (m.index[k] == PS_NIL) {
                refused++;
                assert_true(p->pubs.used == 32 || p->names.used == 10);
                continue;
            }
            ps_peer_pub_want(p, m.index[k], &content);
            continue;
        }
        switch (test_random_below(&random, 4)) {
        case 0:
            ps_peer_pub_remove(p, i);
            m.index[k] = PS_NIL;
            leave_line(&m, k);
            break;
        case 1:
            if (in_line(&m, k)) {
                ps_peer_pub_unqueue(p, i);
                leave_line(&m, k);
            }
            break;
        case 2:
            if (!in_line(&m, k)) {
                ps_peer_pub_queue(p, i);
                join_line(&m, k, false);
            }
            break;
        default:
            if (!in_line(&m, k)) {
                ps_peer_pub_queue_first(p, i);
                join_line(&m, k, true);
            }
            break;
        }
        verify(p, &m);
    }
    assert_true(refused > 50);
    rig_free(r);
}

static void clean_is_of_this_epoch(void **state)
{
    (void)state;
    rig *r = rig_new_default();
    ps_peer *p = r->p;
    const uint32_t i = ps_peer_pub_add(p, span_of("a"));
    ps_peer_pub *pub = ps_peer_pub_at(p, i);
    const ps_content content = {.length = 7};
    ps_peer_pub_want(p, i, &content);
    p->repair.phase = PS_REPAIR_SUM;
    assert_false(ps_peer_pub_clean(p, i));
    pub->epoch = p->epoch;
    p->clean++;
    assert_true(ps_peer_pub_clean(p, i));
    assert_int_equal(ps_peer_check(p), 0);
    ps_peer_pubs_renew(p);
    assert_false(ps_peer_pub_clean(p, i));
    assert_int_equal(ps_peer_check(p), 0);
    pub->epoch = p->epoch;
    p->clean++;
    ps_peer_pub_queue(p, i);
    assert_int_equal(p->clean, 0);
    assert_int_equal(ps_peer_check(p), 0);
    rig_free(r);
}

static void a_full_name_pool_leaves_the_table_whole(void **state)
{
    (void)state;
    ps_peer_config cfg = rig_config();
    cfg.name_bytes = 28;
    rig *r = rig_new(&cfg);
    char name[64];
    assert_int_not_equal(ps_peer_pub_add(r->p, name_of(1, name)), PS_NIL); /* 28 bytes: none. */
    assert_int_equal(r->p->names.used, 0);
    const uint32_t i = ps_peer_pub_add(r->p, name_of(2, name));
    assert_int_not_equal(i, PS_NIL);
    assert_int_equal(ps_peer_pub_add(r->p, name_of(5, name)), PS_NIL);
    assert_int_equal(r->p->pubs.used, 2);
    ps_peer_pub_remove(r->p, i);
    assert_int_not_equal(ps_peer_pub_add(r->p, name_of(5, name)), PS_NIL);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories),
        cmocka_unit_test(clean_is_of_this_epoch),
        cmocka_unit_test(a_full_name_pool_leaves_the_table_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
