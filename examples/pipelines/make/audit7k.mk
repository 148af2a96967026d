# The audit and the gate as targets of make. In your Makefile:
#
#     AUDIT7K_MODEL := model.skops      # what answers: the model's file, or code, weights and prompt, or the file of answers
#     AUDIT7K_SET := cases.csv          # the evaluation set, and whatever else the plan names
#     include audit7k.mk
#
# A change to one of them, or to the plan, asks for a new audit. Without both nobody knows, and each call audits anew.
#
# `gate` checks them once more by their content: make goes by time alone, and a copy can keep an old one. Of a function, a
# program, a service or a file of answers no content says which model answered. Where AUDIT7K_MODEL names all that does,
# say so: AUDIT7K_GATE := --inputs-elsewhere
#
# make ends with 2 whatever goes wrong; the line above its own says 1 (fail), 3 (inconclusive) or 4 (nothing was judged).

AUDIT7K ?= audit7k
AUDIT7K_PLAN ?= plan.toml
AUDIT7K_OUT ?= audit-out
AUDIT7K_RESTRICTED_FOLDER ?= $(AUDIT7K_OUT)/restricted
AUDIT7K_KNOWN := $(and $(AUDIT7K_MODEL),$(AUDIT7K_SET))
AUDIT7K_GATE ?= $(if $(AUDIT7K_KNOWN),,--inputs-elsewhere)

$(AUDIT7K_OUT)/result.json: $(AUDIT7K_PLAN) $(if $(AUDIT7K_KNOWN),$(AUDIT7K_MODEL) $(AUDIT7K_SET),audit7k-always)
	$(AUDIT7K) run --quiet --out $(AUDIT7K_OUT) --restricted-folder $(AUDIT7K_RESTRICTED_FOLDER) $(AUDIT7K_PLAN) || \
		case $$? in 1|3) ;; *) exit $$? ;; esac

.PHONY: audit7k-always
audit7k-always:

.PHONY: audit
audit: $(AUDIT7K_OUT)/result.json

.PHONY: gate
gate: audit
	$(AUDIT7K) gate $(AUDIT7K_GATE) --restricted-folder $(AUDIT7K_RESTRICTED_FOLDER) $(AUDIT7K_OUT)
