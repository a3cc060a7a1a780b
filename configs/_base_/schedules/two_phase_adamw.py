# As two_phase_paper.py, with the optimizer that mmdet trains Swin with in phase 1.
_base_ = './two_phase_paper.py'

optim_wrapper = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-4, weight_decay=0.05),
)
