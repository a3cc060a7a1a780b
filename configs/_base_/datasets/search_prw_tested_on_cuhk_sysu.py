# Phase 2 learns the identities of PRW; tests search in CUHK-SYSU, which training never saw.
_base_ = './search_prw.py'

test_dataloader = dict(dataset=dict(data_root='data/cuhk_sysu/'))
test_evaluator = dict(
    # Without the settings of PRW's protocol.
    protocol=dict(_delete_=True, type='mmps.CUHKSYSUProtocol', gallery_sizes=[100, 4000]),
)
