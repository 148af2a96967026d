"""Words of the draft resolution, letter by letter, in the language of the document: nothing here is translated."""

from __future__ import annotations

from typing import Final

PARAGRAPH_2: Final = (
    "2. Reaffirms that trafficking in persons, especially of women and children, cannot and should not be associated "
    "with any religion, nationality or civilization;"
)

NOT_ASSOCIATED: Final = "cannot and should not be associated with any religion, nationality or civilization"
"""From paragraph 2."""

PARAGRAPH_7: Final = (
    "7. Encourages Member States to adopt measures, in accordance with their domestic legal systems and relevant "
    "applicable international law, including human rights law, inter alia:"
)

PARAGRAPH_7K: Final = (
    "(k) To cooperate with the relevant academic and research communities and where relevant the private sector to "
    "explore the impact of rapid technological development on trafficking in persons, including how such technologies "
    "can be utilized to prevent and combat trafficking in persons in its various forms and to assist victims of "
    "trafficking, and how to provide effective safeguards and oversight to ensure that technological developments, in "
    "particular the algorithms used in artificial intelligence-based solutions, do not facilitate and perpetuate "
    "existing patterns of inequality and discrimination;"
)

PARAGRAPH_10: Final = (
    "10. Invites the Secretary-General to include information on the implementation of the present resolution within "
    "the existing reporting obligations to the General Assembly under the item on crime prevention and criminal "
    "justice;"
)
