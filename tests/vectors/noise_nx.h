/* Noise_NX_25519_ChaChaPoly_SHA256 as another implementation (cacophony) speaks it, in hex. The
 * first two messages are the handshake, which both ends begin with this prologue; the others go to
 * and fro after it, the client's first. */
#define PS_NOISE_NX_PROLOGUE "4a6f686e2047616c74"
#define PS_NOISE_NX_CLIENT_EPHEMERAL                                                               \
    "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"
#define PS_NOISE_NX_SERVER_SECRET "4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893"
#define PS_NOISE_NX_SERVER_EPHEMERAL                                                               \
    "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"
#define PS_NOISE_NX_HANDSHAKE_HASH                                                                 \
    "6959d38aed4b70824a50c722b47c07e00e88eb3eb14f351c11cbee4f56dac33b"

/* X(payload, message). */
#define PS_NOISE_NX_MESSAGES(X)                                                                    \
    X("4c756477696720766f6e204d69736573",                                                          \
      "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79444c75647769672076"           \
      "6f6e204d69736573")                                                                          \
    X("4d757272617920526f746862617264",                                                            \
      "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088430da8899553a0e2d1"           \
      "8bb3bcdf632634e25dd60e400ecc50c371de2cd83257c7636c5913e463b6bd3f3efe3eb1c9e92f10"           \
      "dde5d45c312e42ff98cfadd9f9e92b01ec7604e5d2150eef5db0aed53ab203")                            \
    X("462e20412e20486179656b", "deefd230bea16077f1ceecaad5e4284c3bf2c564e20f694a61b9d4")          \
    X("4361726c204d656e676572", "6bfa60de93cf432f460dcc86cf66716c22ffb502125832433808c0")          \
    X("4a65616e2d426170746973746520536179",                                                        \
      "9c9608d8fc3ef689ae393775e8bb60c16f28ab12ff5c94015961e54addb3d64983")                        \
    X("457567656e2042f6686d20766f6e2042617765726b",                                                \
      "2490983755cc8a904f08a5876acb67db6821de003421b2f72f9f2389b21105ed4d43c4c799")
