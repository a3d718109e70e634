"""What networks are and what they are for, in the words that people use; no trait names a network, several may.

A request that names no network is answered by the entry that alone has every trait it mentions.
"""

from collections.abc import Mapping

KINDS: Mapping[str, tuple[str, ...]] = {  # how a network is built
    "transformer": (
        "transformer",
        "transformers",
        "transformador",
        "transformeur",
        "attention network",
        "self attention",
    ),
    "convolutional": ("cnn", "convnet", "convolutional", "convolution", "convolutif", "convolucional", "faltungsnetz"),
    "recurrent": ("rnn", "recurrent", "rekurrent", "rekurrentes", "recurrente", "lstm"),
    "decoder": ("decoder", "decoder only", "causal", "autoregressive", "decodeur", "decodificador", "autoregressiv"),
    "encoder": ("encoder", "encoder only", "bidirectional", "encodeur", "codificador", "bidirektional"),
    "encoder-decoder": (
        *("encoder decoder", "seq2seq", "sequence to sequence", "encodeur decodeur", "codificador decodificador"),
    ),
    "local attention": (
        "local attention",
        "attention is local",
        "sliding window",
        "window attention",
        "lokale attention",
    ),
    "linear attention": ("linear attention", "delta rule", "linear time attention", "lineare attention"),
    "experts": ("mixture of experts", "experts", "moe", "top k routing", "sparse experts"),
    "memory": ("long term memory", "neural memory", "test time memory", "langzeitgedachtnis", "memoria a largo plazo"),
    "halting": ("adaptive computation time", "adaptive computation", "adaptive halting", "ponder"),
    "relative position": ("relative position bias", "relative positions", "relative position"),
    "autoencoder": ("autoencoder", "auto encoder", "autoencodeur", "autoencodificador"),
    "adapter": ("adapter", "adapters", "parameter efficient", "peft"),
    "masked language model": ("masked language model", "masked language modelling", "masked language modeling", "mlm"),
}
TASKS: Mapping[str, tuple[str, ...]] = {  # what it is for
    "language modelling": (
        *("language model", "language models", "language modelling", "language modeling", "llm", "next token"),
        *("sprachmodell", "modele de langue", "modelo de lenguaje", "text generation"),
    ),
    "image classification": (
        *("image classification", "classifies images", "classify images", "image classifier", "classifying images"),
        *("images classification", "bildklassifikation", "bilder klassifizieren", "classer des images"),
        *("classification d images", "clasificacion de imagenes", "clasificar imagenes", "imagenet", "cifar"),
        *("my images", "for images", "32x32 images"),
    ),
    "segmentation": ("segmentation", "segmentierung", "segmentacion", "segment images", "segmenter des images"),
    "object detection": (
        *("object detection", "detect objects", "bounding boxes", "objekterkennung", "detection d objets"),
        *("deteccion de objetos", "detector"),
    ),
    "generation": (
        *(
            "generative model",
            "generative",
            "image generation",
            "generate images",
            "image generator",
            "generating images",
        ),
        *("bilder erzeugen", "bildgenerierung", "generer des images", "generar imagenes", "sampler"),
    ),
    "translation": (
        *("translation", "translate", "summarisation", "summarization", "summarise", "summarize", "ubersetzung"),
        *("traduction", "traduccion", "resume"),
    ),
    "forecasting": (
        *(
            "forecasting",
            "forecast",
            "time series",
            "zeitreihe",
            "zeitreihen",
            "zeitreihenvorhersage",
            "series temporelles",
        ),
        *("series temporales", "prevision", "pronostico"),
    ),
    "tabular": (
        *("tabular", "tabular data", "table data", "tabellarisch", "tabellarische", "tabellendaten", "tabulaire"),
        *("donnees tabulaires", "datos tabulares", "columns of a table"),
    ),
    "graphs": (
        *("graph", "graphs", "node classification", "graphen", "graphe", "grafos", "grafo", "molecules", "gnn"),
        *("message passing",),
    ),
    "reinforcement learning": (
        *("reinforcement learning", "rl agent", "bestarkendes lernen", "cartpole", "apprentissage par renforcement"),
        *("aprendizaje por refuerzo",),
    ),
    "contrastive": (
        *("contrastive", "kontrastiv", "kontrastives", "contrastif", "contrastivo", "self supervised", "image text"),
        *("images and text",),
    ),
    "fine-tuning": ("fine tune", "fine tuning", "finetune", "finetuning", "feinabstimmung"),
}
TRAITS: Mapping[str, tuple[str, ...]] = {**KINDS, **TASKS}

HAS: Mapping[str, frozenset[str]] = {  # entry: its traits
    name: frozenset(trait.strip() for trait in traits.split(","))
    for name, traits in {
        "trm-titans-mag": "transformer, decoder, language modelling, local attention, memory, halting",
        "llama-decoder": "transformer, decoder, language modelling",
        "sliding-window-decoder": "transformer, decoder, language modelling, local attention",
        "delta-rule-decoder": "transformer, decoder, language modelling, linear attention, recurrent",
        "moe-decoder": "transformer, decoder, language modelling, experts",
        "bert": "transformer, encoder, masked language model, language modelling, fine-tuning",
        "t5": "transformer, encoder, decoder, encoder-decoder, relative position, translation",
        "lstm-attention": "recurrent, encoder, decoder, encoder-decoder, translation",
        "mamba": "recurrent, decoder, language modelling",
        "lora": "adapter, fine-tuning",
        "vit": "transformer, encoder, image classification",
        "resnet": "convolutional, encoder, image classification",
        "unet": "convolutional, encoder-decoder, segmentation",
        "diffusion": "generation",
        "vae": "autoencoder, generation, encoder, encoder-decoder",
        "wgan-gp": "generation",
        "contrastive": "contrastive, encoder",
        "detr": "transformer, encoder-decoder, object detection",
        "graph-network": "graphs, encoder",
        "tabular": "tabular, transformer",
        "patchtst": "transformer, forecasting, encoder",
        "rl-agent": "reinforcement learning",
        "perceiver": "transformer, encoder",
        "kan": "",
        "neural-ode": "",
    }.items()
}
BROADER = frozenset(
    {"autoencoder", "generation", "adapter", "fine-tuning", "encoder"}
)  # what no single entry stands for

OTHER_NETWORKS = frozenset(  # known by name and not in the catalogue
    {
        *("alphafold", "xgboost", "lightgbm", "catboost", "whisper", "wavenet", "wav2vec", "conformer", "tacotron"),
        *("yolo", "retinanet", "efficientdet", "sam", "nerf", "stylegan", "cyclegan", "pix2pix", "biggan", "dcgan"),
        *("boltzmann", "hopfield", "spiking", "capsule", "capsnet", "hypernetwork", "maml", "gru", "esn", "reservoir"),
        *("densenet", "efficientnet", "mobilenet", "vgg", "vgg16", "inception", "alexnet", "convnext", "swin", "mixer"),
        *("informer", "autoformer", "nbeats", "tft", "deepar", "rwkv", "hyena", "retnet", "s4", "xlnet", "electra"),
        *("graphormer", "schnet", "gin", "pointnet", "sac", "ddpg", "td3", "a3c", "alphazero", "muzero", "dreamer"),
        *("svm", "knn", "hmm", "gpc", "gaussian", "glow", "realnvp", "pixelcnn", "dit", "moco", "byol", "dino", "mae"),
        *("word2vec", "fasttext", "elmo", "siamese", "wgan2", "tabnet", "node2vec", "deepwalk", "flamingo", "blip"),
    }
)
EVERYDAY = (  # in which a word that is also a network's name is none
    *("clip gradients", "clip the gradients", "clip its gradients", "clip gradient", "gradient clip", "clip grad"),
    *("clip norm", "clip range", "clip ratio", "clip epsilon", "with clip", "and clip", "ppo clip"),
)
OTHER_PHRASES: tuple[str, ...] = (
    "decision tree",
    "random forest",
    "boosted trees",
    "gradient boosting",
    "normalizing flow",
)
