"""A diffusion model: its noise process, its samplers and its denoiser."""
