"""Values of the parameters of XGBoost, LightGBM and CatBoost, under every name that they have.

The boosters publish no constraints, so the values stand here; the names come from the boosters
themselves, and one that is neither here nor in `NOT_TRIED` fails a test.
"""

import inspect

from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from lightgbm.basic import _ConfigAliases
from xgboost import XGBClassifier

SMALL = {
    "XGBClassifier": {"n_estimators": 3, "max_depth": 3, "n_jobs": 1, "random_state": 0},
    "XGBRFClassifier": {
        **{"n_estimators": 3, "max_depth": 3, "n_jobs": 1, "random_state": 0},
        **{"subsample": 1, "colsample_bynode": 1},  # it draws rows by default
    },
    "LGBMClassifier": {
        **{"n_estimators": 3, "num_leaves": 4, "min_child_samples": 0, "min_data_in_bin": 1},
        # LightGBM guesses the rows of a leaf from its Hessian, so leaves are kept large by that.
        **{"min_child_weight": 1.0, "verbosity": -1, "n_jobs": 1, "random_state": 0},
    },
    "CatBoostClassifier": {
        **{"iterations": 3, "depth": 3, "learning_rate": 0.3, "thread_count": 1, "verbose": False},
        **{"bootstrap_type": "No", "random_strength": 0, "allow_writing_files": False},
    },
}

# Small ones whose names stand for the same are replaced, not doubled.
VALUES = {
    "XGBClassifier": {
        "objective": [
            *("binary:logistic", "binary:logitraw", "multi:softprob", "multi:softmax"),
            *("reg:logistic", "binary:hinge", "reg:squarederror"),
        ],
        "base_score": [None, 0.3],
        "booster": ["gbtree", "gblinear", "dart"],
        "colsample_bylevel": [0.5],
        "colsample_bynode": [0.5],
        "colsample_bytree": [0.5],
        "early_stopping_rounds": [1],
        "eval_metric": ["logloss", "mlogloss", "error"],
        "feature_weights": [(1.0, 0.5, 0.1)],
        "gamma": [0.0, 0.5],
        "grow_policy": ["depthwise", "lossguide"],
        "importance_type": ["gain"],
        "interaction_constraints": ["[[0, 1], [2]]"],
        "learning_rate": [0.0, 0.5, 1.0],
        "max_bin": [2, 256],
        "max_delta_step": [0.0, 0.1],
        "max_depth": [0, 1, 6],
        "max_leaves": [0, 3],
        "min_child_weight": [0.0, 3.0],
        "missing": [1.0],
        "monotone_constraints": ["(1,0,-1)"],
        "multi_strategy": ["one_output_per_tree", "multi_output_tree"],
        "n_estimators": [1, 5],
        "n_jobs": [1],
        "num_parallel_tree": [2],
        "random_state": [7],
        "reg_alpha": [0.5],
        "reg_lambda": [0.0, 3.0],
        "sampling_method": ["uniform"],
        "scale_pos_weight": [0.5, 3.0],
        "subsample": [0.5],
        "tree_method": ["auto", "exact", "approx", "hist"],
        "validate_parameters": [True],
        "verbosity": [0],
        "normalize_type": ["forest"],
        "rate_drop": [0.5],
        "one_drop": [1],
        "skip_drop": [0.5],
        "sample_type": ["weighted"],
        "feature_selector": ["cyclic"],
        "updater": ["coord_descent"],
        "base_margin": [],
    },
    "LGBMClassifier": {
        "objective": [
            *(None, "binary", "multiclass", "softmax", "multiclassova", "ova"),
            *("cross_entropy", "xentropy", "regression", "cross_entropy_lambda"),
        ],
        "boosting": ["gbdt", "rf", "dart", "goss"],
        "data_sample_strategy": ["bagging", "goss"],
        "num_leaves": [2, 8],
        "learning_rate": [0.05, 1.0],
        "num_iterations": [1, 5],
        "max_depth": [-1, 1],
        "min_data_in_leaf": [1, 5],
        "min_sum_hessian_in_leaf": [0.0, 1.0],
        "bagging_fraction": [0.5],
        "bagging_freq": [1],
        "bagging_seed": [5],
        "feature_fraction": [0.5],
        "feature_fraction_bynode": [0.5],
        "feature_fraction_seed": [5],
        "extra_trees": [True],
        "extra_seed": [5],
        "lambda_l1": [0.5],
        "lambda_l2": [3.0],
        "min_gain_to_split": [0.1],
        "max_delta_step": [0.1],
        "drop_rate": [0.5],
        "linear_tree": [True],
        "linear_lambda": [1.0],
        "max_bin": [2, 255],
        "max_bin_by_feature": [[2, 255, 255]],
        "min_data_in_bin": [1, 3],
        "is_unbalance": [True],
        "scale_pos_weight": [3.0],
        "sigmoid": [2.0],
        "boost_from_average": [False],
        "path_smooth": [1.0],
        "monotone_constraints": [[1, 0, -1]],
        "monotone_constraints_method": ["intermediate"],
        "monotone_penalty": [1.0],
        "interaction_constraints": [[[0, 1], [2]]],
        "cegb_tradeoff": [0.5],
        "cegb_penalty_split": [0.01],
        "cegb_penalty_feature_coupled": [[0.1, 0.2, 0.3]],
        "cegb_penalty_feature_lazy": [[0.01, 0.02, 0.03]],
        "feature_contri": [[1.0, 0.5, 0.1]],
        "pos_bagging_fraction": [0.5],
        "neg_bagging_fraction": [0.5],
        "use_quantized_grad": [True],
        "categorical_feature": [[2]],
        "use_missing": [False],
        "zero_as_missing": [True],
        "enable_bundle": [False],
        "is_enable_sparse": [False],
        "feature_pre_filter": [False],
        "deterministic": [True],
        "force_col_wise": [True],
        "force_row_wise": [True],
        "metric": ["auc", "None", "binary_logloss"],
        "first_metric_only": [True],
        "early_stopping_round": [1],
        "early_stopping_min_delta": [0.5],
        "num_class": [2, 3],
        "seed": [7],
        "data_random_seed": [5],
        "class_weight": [None, "balanced", {0: 1.0, 1: 3.0, 2: 0.5}, {0: 0.25}],
        "importance_type": ["gain"],
        "bin_construct_sample_cnt": [30],
        "refit_decay_rate": [0.5],
        "verbosity": [-1],
        "num_threads": [1],
        "reg_sqrt": [True],
        "tree_learner": ["serial"],
        "device_type": ["cpu"],
        "top_k": [5],
    },
    "CatBoostClassifier": {
        "loss_function": [
            *("Logloss", "CrossEntropy", "MultiClass", "MultiClassOneVsAll"),
            "Focal:focal_alpha=0.5;focal_gamma=2",
        ],
        "iterations": [1, 5],
        "learning_rate": [0.05, 1.0],
        "depth": [1, 6],
        "l2_leaf_reg": [0.0, 10.0],
        "model_size_reg": [0.5],
        "rsm": [0.5],
        "border_count": [2, 254],
        "feature_border_type": ["Uniform", "Median"],
        "od_type": ["Iter"],
        "od_wait": [1],
        "od_pval": [0.5],
        "early_stopping_rounds": [1],
        "use_best_model": [False, True],
        "best_model_min_trees": [2],
        "nan_mode": ["Max"],
        "leaf_estimation_iterations": [1, 3],
        "leaf_estimation_method": ["Newton", "Gradient"],
        "leaf_estimation_backtracking": ["No", "AnyImprovement"],
        "thread_count": [1],
        "random_seed": [7],
        "verbose": [False, 0],
        "logging_level": ["Silent"],
        "silent": [True],
        "metric_period": [2],
        "has_time": [True],
        "allow_const_label": [True],
        "target_border": [0.5],
        "classes_count": [2, 3],
        "class_weights": [(1.0, 3.0), (1.0, 3.0, 0.5), {0: 1.0, 1: 3.0, 2: 0.5}],
        "auto_class_weights": ["None", "Balanced", "SqrtBalanced"],
        "class_names": [(0, 1), (1, 0), (0, 1, 2)],
        "scale_pos_weight": [3.0],
        "random_strength": [0, 1],
        "random_score_type": ["Gumbel"],
        "ignored_features": [(0,)],
        "custom_metric": ["AUC"],
        "custom_loss": ["AUC"],
        "eval_metric": ["Logloss", "Accuracy", "MultiClass"],
        "bagging_temperature": [0.5],
        "boosting_type": ["Plain", "Ordered"],
        "bootstrap_type": ["No", "Bernoulli", "Bayesian", "MVS"],
        "subsample": [0.5],
        "mvs_reg": [0.5],
        "sampling_frequency": ["PerTree"],
        "grow_policy": ["SymmetricTree", "Depthwise", "Lossguide"],
        "min_data_in_leaf": [1, 5],
        "max_leaves": [4],
        "score_function": ["L2", "Cosine"],
        "monotone_constraints": ["(1,0,0)"],
        "feature_weights": [(1.0, 0.5, 0.1)],
        "first_feature_use_penalties": [(0.1, 0.2, 0.3)],
        "per_object_feature_penalties": [(0.01, 0.02, 0.03)],
        "penalties_coefficient": [0.5],
        "model_shrink_rate": [0.1],
        "model_shrink_mode": ["Decreasing"],
        "langevin": [True],
        "diffusion_temperature": [10.0],
        "posterior_sampling": [True],
        "boost_from_average": [False, True],
        "eval_fraction": [0.3],
        "fold_permutation_block": [2],
        "fold_len_multiplier": [1.5],
        "approx_on_full_history": [True],
        "sampling_unit": ["Object"],
        "one_hot_max_size": [3],
        "task_type": ["CPU"],
        "name": ["student"],
        "sparse_features_conflict_fraction": [0.0],
        "dev_score_calc_obj_block_size": [100],
        "counter_calc_method": ["Full"],
        "max_ctr_complexity": [1],
        "used_ram_limit": ["1gb"],
        "store_all_simple_ctr": [True],
    },
}

NAMES_OF = {
    "XGBClassifier": {
        "learning_rate": ["eta"],
        "gamma": ["min_split_loss"],
        "reg_alpha": ["alpha"],
        "reg_lambda": ["lambda"],
        "random_state": ["seed"],
        "n_jobs": ["nthread"],
        "n_estimators": ["num_boost_round"],
    },
    "CatBoostClassifier": {
        "loss_function": ["objective"],
        "iterations": ["num_boost_round", "n_estimators", "num_trees"],
        "learning_rate": ["eta"],
        "depth": ["max_depth"],
        "l2_leaf_reg": ["reg_lambda"],
        "rsm": ["colsample_bylevel"],
        "border_count": ["max_bin"],
        "random_seed": ["random_state"],
        "min_data_in_leaf": ["min_child_samples"],
        "max_leaves": ["num_leaves"],
        "verbose": ["silent", "logging_level"],
        "class_weights": ["auto_class_weights", "scale_pos_weight"],
        "bootstrap_type": ["bagging_temperature", "subsample", "mvs_reg", "sampling_frequency"],
    },
}

# Parameters that nothing is tried of, and why.
NOT_TRIED = {
    "a device that tests have not": "device devices device_config gpu_ram_part pinned_memory_size "
    "gpu_cat_features_storage data_partition dev_efb_max_buckets num_gpu gpu_device_id "
    "gpu_device_id_list gpu_platform_id gpu_use_dp",
    "files, clusters and the command line": "train_dir save_snapshot snapshot_file "
    "snapshot_interval allow_writing_files input_borders output_borders config task data valid "
    "output_model input_model saved_feature_importance_type snapshot_freq parser_config_file "
    "output_result convert_model convert_model_language header label_column weight_column "
    "group_column ignore_column two_round save_binary pre_partition precise_float_parser "
    "forcedsplits_filename forcedbins_filename num_machines local_listen_port time_out "
    "machine_list_filename machines histogram_pool_size metric_freq is_provide_training_metric",
    "of predictions only": "start_iteration_predict num_iteration_predict predict_raw_score "
    "predict_leaf_index predict_contrib predict_disable_shape_check pred_early_stop "
    "pred_early_stop_freq pred_early_stop_margin",
    "of regression and ranking only": "alpha fair_c poisson_max_delta_step tweedie_variance_power "
    "lambdarank_truncation_level lambdarank_norm label_gain eval_at objective_seed "
    "lambdarank_position_bias_regularization bagging_by_query auc_mu_weights multi_error_top_k",
    "only with dart, whose draws are its own": "max_drop skip_drop xgboost_dart_mode uniform_drop "
    "drop_seed",
    "only of GOSS": "top_rate other_rate",
    "only with quantised gradients, which are refused or expanded": "num_grad_quant_bins "
    "quant_train_renew_leaf stochastic_rounding",
    "statistics of categories, text and embeddings, which the problems have not": "cat_features "
    "text_features embedding_features tokenizers dictionaries feature_calcers text_processing "
    "simple_ctr combinations_ctr per_feature_ctr ctr_description ctr_target_border_count "
    "ctr_leaf_count_limit ctr_history_unit final_ctr_computation_mode min_data_per_group cat_l2 "
    "cat_smooth max_cat_threshold max_cat_to_onehot enable_categorical feature_types",
    "objects of the user's own": "callbacks callback metadata",
    "fixed trees": "fixed_binary_splits per_float_feature_quantization",
}

# With these the student gets an evaluation set, too.
EVALUATED = {
    *("early_stopping_rounds", "early_stopping_round", "early_stopping_min_delta", "eval_metric"),
    *("metric", "first_metric_only", "od_type", "od_wait", "od_pval", "use_best_model"),
    *("best_model_min_trees", "custom_metric", "custom_loss"),
}


def of_family(by_name, student_class):
    """Return what is written for a class, or for the one that it is derived from."""
    return next(by_name[cls.__name__] for cls in student_class.__mro__ if cls.__name__ in by_name)


def synonyms(student_class):
    """Return the names of each parameter, by its first name."""
    if student_class is LGBMClassifier:
        return {main: set(names) for main, names in _ConfigAliases._get_all_param_aliases().items()}
    more = of_family(NAMES_OF, student_class)
    return {name: {name, *more.get(name, [])} for name in of_family(VALUES, student_class)}


def main_name(student_class, name):
    """Return the first name of a parameter, whatever it is called."""
    if student_class.__name__ not in SMALL:
        return name
    by_main = synonyms(student_class).items()
    return next((main for main, names in by_main if name in names), name)


def booster_values(student_class):
    """Return {name: values}: all values under the first name, one under each other name."""
    values, names = of_family(VALUES, student_class), synonyms(student_class)
    found = {}
    for main, of_main in values.items():
        found[main] = of_main
        for name in sorted(names.get(main, {main}) - {main}):
            several = main in ("objective", "loss_function")
            found[name] = [v for v in of_main if v is not None] if several else of_main[-1:]
    return found


def small_booster(student_class, params):
    """Return a small student with some parameters, in the place of their synonyms."""
    groups = synonyms(student_class).values()
    replaced = set(params).union(*(names for names in groups if names & set(params)))
    own = of_family(SMALL, student_class)
    return student_class(**{name: own[name] for name in own.keys() - replaced}, **params)


def is_evaluated(student_class, params):
    """Return whether parameters say something about evaluation sets."""
    groups = synonyms(student_class).values()
    names = EVALUATED.union(*(names for names in groups if names & EVALUATED))
    return bool(names & set(params))


def parameters_of(student_class):
    """Return the first name of every parameter that a booster says it has."""
    if student_class is LGBMClassifier:
        own = set(inspect.signature(student_class).parameters) - {"kwargs"}
        aliases = synonyms(student_class)
        return set(aliases) | {name for name in own if not any(name in a for a in aliases.values())}
    if issubclass(student_class, XGBClassifier):
        return set(student_class().get_params())
    return set(inspect.signature(CatBoostClassifier.__init__).parameters) - {"self"}
