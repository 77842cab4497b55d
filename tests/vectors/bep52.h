/* BEP 52 trees as another implementation (libtorrent 2.0.8, v2-only torrents) makes them: X(length
 * in bytes, seed, SHA-256 of the content, pieces root, hashes in the piece layer at 1 MiB, SHA-256
 * of these hashes one after the other; "" where the file fits one piece and has no layer).
 *
 * Content: x(0) = seed; x(i+1) = (1103515245 * x(i) + 12345) mod 2^31; byte i = (x(i+1) >> 16) mod
 * 256. */
#define PS_BEP52_VECTORS(X)                                                                        \
    X(1, 2, "9defb0a9e163278be0e05aa01b312ec78cfa3726869503385e76e3a4b7950648",                    \
      "9defb0a9e163278be0e05aa01b312ec78cfa3726869503385e76e3a4b7950648", 0, "")                   \
    X(64, 65, "ebf56f4ec7d63a3b6c0c7ebea0207d6d733e741ff9d2225a991954f4782521ed",                  \
      "ebf56f4ec7d63a3b6c0c7ebea0207d6d733e741ff9d2225a991954f4782521ed", 0, "")                   \
    X(16383, 16384, "196d9fab87e7a8af373f8acaa873e29145b3ec95b0277391515b8900196350f0",            \
      "196d9fab87e7a8af373f8acaa873e29145b3ec95b0277391515b8900196350f0", 0, "")                   \
    X(16384, 16385, "ee3a79d865773408296633f2ee71132d53364ceff95dfb9b6e2bf24f52b91c65",            \
      "ee3a79d865773408296633f2ee71132d53364ceff95dfb9b6e2bf24f52b91c65", 0, "")                   \
    X(16385, 16386, "b2987dc934e763b0e665a1fbb5f790c3661accc6f5f1336f8de4c0694238bece",            \
      "2cf9df821404ac989fa5061e9ff7e4bcd76f8dc241184c41f03b343619ba80fb", 0, "")                   \
    X(32768, 32769, "590fc29202c5d9a5f556d2390c987ce4b1926c4a3d36723cc8c23a783668e627",            \
      "bf117e21b4e819fa7def85eef6712e98978813c01b250ef1ff8d18fa24031003", 0, "")                   \
    X(32769, 32770, "aea650ccfcb76b89b6799d98cabdfe6e785ebf22f5f7704428932efd84cd3724",            \
      "fb494eb2944d7cad130e5d8e1a288dcf57ed2828c790dfa3ecf9477f9a27a81c", 0, "")                   \
    X(49152, 49153, "05b03cd479f6df2e6146ec0a87e9c2963e478d7e9ebc9719e8f49ee3b9d625c7",            \
      "800c2d4223432adeed2c076535f9b507fe329fd6da75902c8614d640574eb5d8", 0, "")                   \
    X(65536, 65537, "38b7b98cf97495ad74482b3db7f32f655b9b8f4cb84718ecfafcfe3d714caa0d",            \
      "d9e62e5a7c49769832376aa67ccd1cb5d4e544dbb07cab1285532dc5cf290f38", 0, "")                   \
    X(1048575, 1048576, "6d530dbe136b0975c2ac3b5dce247fad7b30f85bb9ea1d3af889ee6d3aa10d97",        \
      "76b696274e9747b98adc10d8bd0fcfb62b64f596d32ce85444f57fe0b85d78a4", 0, "")                   \
    X(1048576, 1048577, "a8bbc10be1f65783491f538f26c0f7958a1db06f2e81a0be49b84a561a4ac586",        \
      "fa52d1836f366fffb9ffc917cfc2890af279af7917deef03871ed05ca59fe629", 0, "")                   \
    X(1048577, 1048578, "674d1822475a024f4ab7a7a1b98d492a580c19ceaa1aa2662d6c6b183a4058f3",        \
      "0365c6470804ed480ee21feb6b9ca4b96fab454abc4f0ca516fd6154beb010d6", 2,                       \
      "0365c6470804ed480ee21feb6b9ca4b96fab454abc4f0ca516fd6154beb010d6")                          \
    X(2097153, 2097154, "8991b46878ef39ca2d816e6423cd58b10302f263e5fdec8a71cf912be9bde3f1",        \
      "adbcb93c7919eb8bd0e9967335e7a6581043be035df350e6a2bdc34769570402", 3,                       \
      "addbfc0ecb6054f3af0560f4a269ca17f0f4c217e7732a599871cb3f07ee8c0f")                          \
    X(5242887, 5242888, "9d39763ab5d9098d80c899a47e6cb72cb7bc3ec0939baa0934f395dd3dfc5ed2",        \
      "db6d1b25a7127be52020da290fdf24f20ebf36463bb4d79c96c4e3897883666f", 6,                       \
      "38b60e9967627811b2c2993e057a3594946ff5223a2273acd592de6e9f75d29b")
