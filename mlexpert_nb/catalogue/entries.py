"""Every entry of the catalogue, in the order in which people ask for them."""

from collections.abc import Mapping

from mlexpert_nb.catalogue.entry import Entry
from mlexpert_nb.catalogue.families.bert import BERT
from mlexpert_nb.catalogue.families.contrastive import CONTRASTIVE
from mlexpert_nb.catalogue.families.decoder import (
    DELTA_RULE_DECODER,
    LLAMA_DECODER,
    MOE_DECODER,
    SLIDING_WINDOW_DECODER,
)
from mlexpert_nb.catalogue.families.detr import DETR
from mlexpert_nb.catalogue.families.diffusion import DIFFUSION
from mlexpert_nb.catalogue.families.graph_network import GRAPH_NETWORK
from mlexpert_nb.catalogue.families.kan import KAN
from mlexpert_nb.catalogue.families.lora import LORA
from mlexpert_nb.catalogue.families.lstm_attention import LSTM_ATTENTION
from mlexpert_nb.catalogue.families.mamba import MAMBA
from mlexpert_nb.catalogue.families.neural_ode import NEURAL_ODE
from mlexpert_nb.catalogue.families.patchtst import PATCHTST
from mlexpert_nb.catalogue.families.perceiver import PERCEIVER
from mlexpert_nb.catalogue.families.resnet import RESNET
from mlexpert_nb.catalogue.families.rl_agent import RL_AGENT
from mlexpert_nb.catalogue.families.t5 import T5
from mlexpert_nb.catalogue.families.tabular import TABULAR
from mlexpert_nb.catalogue.families.trm_titans_mag import TRM_TITANS_MAG
from mlexpert_nb.catalogue.families.unet import UNET
from mlexpert_nb.catalogue.families.vae import VAE
from mlexpert_nb.catalogue.families.vit import VIT
from mlexpert_nb.catalogue.families.wgan_gp import WGAN_GP

ENTRIES: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        TRM_TITANS_MAG,
        LLAMA_DECODER,
        SLIDING_WINDOW_DECODER,
        MOE_DECODER,
        DELTA_RULE_DECODER,
        BERT,
        T5,
        LSTM_ATTENTION,
        MAMBA,
        LORA,
        VIT,
        RESNET,
        UNET,
        DETR,
        DIFFUSION,
        VAE,
        CONTRASTIVE,
        WGAN_GP,
        GRAPH_NETWORK,
        TABULAR,
        PATCHTST,
        RL_AGENT,
        KAN,
        NEURAL_ODE,
        PERCEIVER,
    )
}
